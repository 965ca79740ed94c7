"""The bundled data sets: each loads, is what it says it is, and a missing or bad file is one clear error."""

import dlutils.data as data
from dlutils import CourseError, load

import hashlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parent.parent
IMAGES = {  # shape of an image, numbers of training and test images
    "mnist": ((28, 28), 8000, 2000),
    "fashion_mnist": ((28, 28), 12_000, 2000),
    "cifar10": ((32, 32, 3), 5000, 1000),
}
SERIES = {  # shape of a series, numbers of training and test series, number of classes
    "italy_power_demand": ((24,), 67, 1029, 2),
    "japanese_vowels": ((29, 12), 270, 370, 9),
    "basic_motions": ((100, 6), 40, 40, 4),
}
TABLES = {  # rows, columns
    "movie_reviews": (10_566, ["text", "rating", "label"]),
    "cmudict": (32_139, ["word", "phonemes"]),
    "sunspots": (309, ["year", "sunspots"]),
    "co2": (2284, ["date", "co2"]),
    "seattle_weather": (1461, ["date", "precipitation", "temp_max", "temp_min", "wind", "weather"]),
    "diamonds": (20_000, ["carat", "cut", "color", "clarity", "depth", "table", "price", "x", "y", "z"]),
    "flights": (
        20_000,
        ["month", "day", "dep_time", "sched_dep_time", "dep_delay", "arr_time", "sched_arr_time", "arr_delay"]
        + ["carrier", "flight", "tailnum", "origin", "dest", "air_time", "distance"],
    ),
    "ecg_anomalies": (30_000, ["part", "time", "value", "is_anomaly"]),
    "ecg_208": (108_000, ["value"]),
    "internal_bleeding": (7501, ["part", "time", "value", "is_anomaly"]),
}
NOVELS = {"pride_and_prejudice": 61, "emma": 55, "moby_dick": 135}  # chapters


@pytest.fixture
def samples(tmp_path, monkeypatch):
    """A copy of the small bundled files that a test may spoil."""
    for name in ("sunspots.csv", "co2.csv"):
        shutil.copy(ROOT / "data" / name, tmp_path)
    monkeypatch.setenv("DLUTILS_DATA", str(tmp_path))
    return tmp_path


def test_every_data_set_is_tested_here():
    assert set(data.DATASETS) == {*IMAGES, "stamps", *SERIES, *TABLES, *NOVELS}


@pytest.mark.parametrize("name", IMAGES)
def test_images(name):
    shape, n_train, n_test = IMAGES[name]
    d = load(name, full=False, quiet=True)
    assert d.x_train.shape == (n_train, *shape) and d.x_test.shape == (n_test, *shape)
    assert d.x_train.dtype == d.x_test.dtype == np.uint8
    assert d.y_train.dtype == d.y_test.dtype == np.int64
    assert d.y_train.shape == (n_train,) and d.y_test.shape == (n_test,)
    assert d.x_train.min() == 0 and d.x_train.max() == 255
    assert len(d.classes) == 10
    for y in (d.y_train, d.y_test):
        counts = np.bincount(y, minlength=10)
        assert len(counts) == 10
        # MNIST is as unequal as the 10,000 digits of its package; the others are exactly balanced.
        assert np.ptp(counts) == 0 if name != "mnist" else counts.min() > 0.08 * len(y)
        assert len(set(y[:50].tolist())) == 10, "the classes come mixed"
    digests = [{hashlib.sha256(image.tobytes()).digest() for image in x} for x in (d.x_train, d.x_test)]
    assert not digests[0] & digests[1], "an image is in both parts"
    assert f"{n_train:,}" in d.note and f"{n_test:,}" in d.note and "bundled sample" in d.note


@pytest.mark.parametrize(("name", "floor"), [("mnist", 0.75), ("fashion_mnist", 0.6), ("cifar10", 0.2)])
def test_labels_belong_to_images(name, floor):
    """The nearest class mean finds most labels, which it could not if they were shifted or shuffled (chance: 0.1)."""
    d = load(name, full=False, quiet=True)
    x_train, x_test = (x.reshape(len(x), -1) / 255 for x in (d.x_train, d.x_test))
    means = np.stack([x_train[d.y_train == label].mean(0) for label in range(10)])
    distances = (means**2).sum(1) - 2 * x_test @ means.T
    assert (distances.argmin(1) == d.y_test).mean() > floor


def test_cifar10_is_upright_and_in_colour():
    d = load("cifar10", full=False, quiet=True)
    ships = d.x_train[d.y_train == d.classes.index("ship")].mean(0)
    assert ships[:8].mean() > ships[-8:].mean(), "the sky is above"
    assert ships[:8, :, 2].mean() > ships[:8, :, 0].mean(), "and bluer than it is red"
    frogs = d.x_train[d.y_train == d.classes.index("frog")].mean((0, 1, 2))
    assert frogs.argmax() != 2, "frogs are not blue"


def test_stamps_are_cut_out_centred_and_in_one_part_only():
    d = load("stamps", quiet=True)
    assert d.x_train.shape == (161, 80, 80, 4) and d.x_test.shape == (52, 80, 80, 4)
    assert d.x_train.dtype == np.uint8 and d.y_train.dtype == np.int64
    assert set(d.y_train) == set(d.y_test) == set(range(len(d.classes)))
    assert len(d.names) == len(set(d.names)) == 213
    labels = dict(zip(d.names, np.concatenate([d.y_train, d.y_test]), strict=True))
    for name, kind in {"owl": "bird", "zebra": "mammal", "rose": "flower", "violin": "instrument"}.items():
        assert d.classes[labels[name]] == kind
    for image in np.concatenate([d.x_train, d.x_test]):
        colour, opaque = image[..., :3], image[..., 3] > 127
        rows, columns = (np.flatnonzero(opaque.any(axis)) for axis in (1, 0))
        assert (colour[image[..., 3] == 0] == 0).all(), "what is not seen is black"
        for ends in (rows, columns):
            assert abs(ends[0] - (79 - ends[-1])) <= 10, "in the middle, but for thin tails and strings"
        assert max(np.ptp(rows), np.ptp(columns)) >= 40, "no specks"
    digests = [{hashlib.sha256(image.tobytes()).digest() for image in x} for x in (d.x_train, d.x_test)]
    assert not digests[0] & digests[1]
    licence = (ROOT / "data" / "stamps.LICENSE").read_text(encoding="utf-8")
    assert "They were changed for this course" in licence and "TERMS AND CONDITIONS FOR COPYING" in licence


@pytest.mark.parametrize("name", SERIES)
def test_labelled_series(name):
    shape, n_train, n_test, n_classes = SERIES[name]
    d = load(name, quiet=True)
    assert d.x_train.shape == (n_train, *shape) and d.x_test.shape == (n_test, *shape)
    assert d.x_train.dtype == np.float64 and d.y_train.dtype == np.int64
    assert set(d.y_train) == set(d.y_test) == set(range(n_classes)) and len(d.classes) == n_classes
    assert name == "japanese_vowels" or np.isfinite(d.x_train).all() and np.isfinite(d.x_test).all()
    assert d.note == f"{d.title}: all {n_train:,} training and {n_test:,} test {data.DATASETS[name].unit}"


def test_japanese_vowels_are_nan_only_after_their_end():
    d = load("japanese_vowels", quiet=True)
    for x in (d.x_train, d.x_test):
        there = np.isfinite(x)
        assert (there == there[:, :, :1]).all(), "a frame is there or it is not"
        lengths = there[:, :, 0].sum(1)
        assert (there[:, :, 0] == (np.arange(29) < lengths[:, None])).all()
        assert lengths.min() == 7 and lengths.max() in (26, 29)


def test_italian_winter_evenings_are_bright():
    d = load("italy_power_demand", quiet=True)
    winter, summer = (d.x_test[d.y_test == label].mean(0) for label in (0, 1))
    assert winter[17:20].mean() > summer[17:20].mean() + 0.3


@pytest.mark.parametrize("name", TABLES)
def test_tables(name):
    rows, columns = TABLES[name]
    frame = load(name, quiet=True).frame
    assert len(frame) == rows and list(frame.columns) == columns
    may_be_missing = ["co2", "dep_time", "dep_delay", "arr_time", "arr_delay", "tailnum", "air_time"]
    assert not frame.drop(columns=may_be_missing, errors="ignore").isna().any().any()
    if "date" in frame:
        assert pd.api.types.is_datetime64_any_dtype(frame["date"])
        assert len(frame["date"].diff().dropna().unique()) == 1, "evenly spaced"


def test_movie_reviews():
    frame = load("movie_reviews", quiet=True).frame
    assert frame["rating"].between(-4, 4).all() and (frame["rating"] != 0).all()
    assert ((frame["rating"] > 0) == (frame["label"] == 1)).all() and set(frame["label"]) == {0, 1}
    assert 0.48 < frame["label"].mean() < 0.52
    assert frame["text"].is_unique and frame["text"].str.strip().str.len().gt(0).all()
    spoiled = frame["text"].str.contains(r"Ã|â€|&\w+;|''|\s\s|[\x00-\x1f]")
    assert not spoiled.any(), frame["text"][spoiled].tolist()
    assert frame["text"].str.contains("Almodóvar").any()
    assert abs(frame["label"][:1000].mean() - 0.5) < 0.05, "the labels come mixed"


def test_pronunciations():
    frame = load("cmudict", quiet=True).frame
    assert frame["word"].nunique() == 30_000 and frame["word"].str.fullmatch("[a-z]+").all()
    assert (
        not frame.duplicated().any() and frame["phonemes"].str.fullmatch(r"[A-Z]{1,2}[012]?( [A-Z]{1,2}[012]?)*").all()
    )
    plain = {re.sub(r"\d", "", p) for line in frame["phonemes"] for p in line.split()}
    assert len(plain) == 39
    spoken = frame.groupby("word", sort=False)["phonemes"].apply(list)
    assert spoken["read"] == ["R EH1 D", "R IY1 D"] and spoken["island"] == ["AY1 L AH0 N D"]
    assert (frame["word"].to_numpy() == spoken.index.repeat(spoken.str.len()).to_numpy()).all(), (
        "a word's rows stay together"
    )
    first = [hashlib.sha256(word.encode()).hexdigest() for word in spoken.index]
    assert first == sorted(first)
    assert data.READERS["csv"](b"word,n\nnull,1\nnan,\n")["frame"]["word"].tolist() == ["null", "nan"]
    licence = (ROOT / "data" / "cmudict.LICENSE").read_text(encoding="utf-8")
    assert "Carnegie Mellon University. All rights reserved" in licence and "Redistributions of source code" in licence


def test_anomalies_are_where_the_labels_say():
    for name, parts in {
        "ecg_anomalies": {"train": 0, "train_anomalies": 300, "test": 300},
        "internal_bleeding": {"train": 0, "test": 12},
    }.items():
        frame = load(name, quiet=True).frame
        assert frame.groupby("part")["is_anomaly"].sum().to_dict() == parts
    assert (frame["part"] == "train").sum() == 1200


def test_tables_are_raw_as_the_lesson_needs_them():
    stones, flights = load("diamonds", quiet=True).frame, load("flights", quiet=True).frame
    assert not stones.isna().any().any() and (stones[["x", "y", "z"]] == 0).any(axis=1).sum() == 9
    assert stones["price"].between(327, 18_823).all() and set(stones["cut"]) > {"Fair", "Ideal"}
    gone = flights["dep_time"].isna()
    assert gone.sum() == 510 and (flights.loc[gone, "arr_delay"].isna()).all()
    assert flights[["month", "day", "sched_dep_time", "carrier", "origin", "dest", "distance"]].notna().all().all()
    assert (flights["sched_dep_time"] % 100 < 60).all()


@pytest.mark.parametrize("name", NOVELS)
def test_novels(name):
    text = load(name, quiet=True).text
    assert text.startswith(load(name, quiet=True).title.upper()) and text.endswith("\n")
    assert len(re.findall(r"^chapter [0-9ivxl]+$", text, flags=re.MULTILINE | re.IGNORECASE)) == NOVELS[name]
    assert text.isascii() and "\r" not in text and "gutenberg" not in text.lower()


def test_load_prints_one_line(capsys):
    d = load("cifar10", full=False)
    assert d.note == "CIFAR-10: bundled sample, 5,000 of 50,000 training and 1,000 of 10,000 test images"
    assert capsys.readouterr().out == d.note + "\n"
    load("cifar10", full=False, quiet=True)
    assert capsys.readouterr().out == ""


def test_the_dial_decides(monkeypatch):
    monkeypatch.setenv("DLUTILS_OFFLINE", "1")
    monkeypatch.setenv("COURSE_PROFILE", "quick")
    assert "not in use" not in load("mnist", quiet=True).note
    monkeypatch.setenv("COURSE_PROFILE", "full")
    full = load("cifar10", quiet=True)
    assert "DLUTILS_OFFLINE" in full.note and "python data/build.py --full cifar10" in full.note
    assert full.x_train.shape == (5000, 32, 32, 3)
    assert "not in use" not in load("sunspots", quiet=True).note


def test_repr_says_what_is_inside():
    shown = repr(load("mnist", full=False, quiet=True))
    assert (
        shown.splitlines()[0]
        == "Dataset 'mnist': MNIST: bundled sample, 8,000 training and 2,000 test images out of 70,000"
    )
    assert "  x_train  (8000, 28, 28) uint8" in shown and "frame" not in shown
    assert "frame    year, sunspots" in repr(load("sunspots", quiet=True))
    assert "883,028 characters, 'EMMA" in repr(load("emma", quiet=True))


def test_datasets_lists_them_all():
    table = data.datasets()
    assert list(table.index) == list(data.DATASETS)
    assert set(table.index[table["full download"] == "yes"]) == {"mnist", "fashion_mnist", "cifar10"}


def test_an_unknown_name_gets_the_nearest():
    with pytest.raises(CourseError, match=r"no data set 'cifar11'. Did you mean 'cifar10'\? There are: .*mnist.*emma"):
        load("cifar11")
    with pytest.raises(CourseError, match="Did you mean 'fashion_mnist'"):
        load("Fashion-MNIST")
    for name in ("", "zzzzzz", None, 3):
        with pytest.raises(CourseError, match="there is no data set .* There are: mnist"):
            load(name)


def test_a_corrupt_bundled_file_is_named(samples):
    raw = (samples / "sunspots.csv").read_bytes()
    (samples / "sunspots.csv").write_bytes(raw.replace(b"1700,5", b"1700,6"))
    with pytest.raises(CourseError) as caught:
        load("sunspots")
    message = str(caught.value)
    assert str(samples / "sunspots.csv") in message and data.DATASETS["sunspots"].sha256 in message
    assert hashlib.sha256((samples / "sunspots.csv").read_bytes()).hexdigest() in message
    assert "make data" in message and "git checkout" in message
    assert len(load("co2").frame) == 2284


def test_a_missing_bundled_file_or_folder_is_named(samples, monkeypatch):
    (samples / "sunspots.csv").unlink()
    with pytest.raises(CourseError, match=r"sunspots\.csv cannot be read \(No such file or directory\).*make data"):
        load("sunspots")
    monkeypatch.setenv("DLUTILS_DATA", str(samples / "nowhere"))
    with pytest.raises(CourseError, match=r"nowhere.*cannot be read"):
        load("co2")


def test_without_the_registry_the_import_works_and_load_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(data, "REGISTRY", tmp_path / "datasets.toml")
    monkeypatch.setattr(data, "DATASETS", data._registry())
    with pytest.raises(CourseError, match=r"datasets\.toml is missing"):
        load("mnist")


def test_the_cache_folder_follows_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("DLUTILS_CACHE", str(tmp_path))
    assert data.cache_folder() == tmp_path
    monkeypatch.delenv("DLUTILS_CACHE")
    assert data.cache_folder().name == "hands-on-deep-learning"


def test_official_files_are_read(tmp_path):
    """Tiny files in the official formats; that the real ones are read right is seen by the samples made from them."""
    rng = np.random.default_rng(0)
    idx = {}
    for prefix, n in (("train", 5), ("t10k", 3)):
        x, y = rng.integers(0, 256, (n, 28, 28), np.uint8), rng.integers(0, 10, n, np.uint8)
        header = np.array([0x803, n, 28, 28], ">i4").tobytes()
        (tmp_path / f"{prefix}-images-idx3-ubyte").write_bytes(header + x.tobytes())
        (tmp_path / f"{prefix}-labels-idx1-ubyte").write_bytes(np.array([0x801, n], ">i4").tobytes() + y.tobytes())
        idx[prefix] = (x, y)
    parts = data._read_idx(tmp_path)
    assert (parts["x_train"] == idx["train"][0]).all() and (parts["y_test"] == idx["t10k"][1]).all()
    assert parts["y_train"].dtype == np.int64 and parts["x_train"].flags.writeable
    image = rng.integers(0, 256, (32, 32, 3), np.uint8)
    for name in [f"data_batch_{i}" for i in range(1, 6)] + ["test_batch"]:
        (tmp_path / f"{name}.bin").write_bytes(bytes([7]) + image.transpose(2, 0, 1).tobytes())
    parts = data._read_cifar10(tmp_path)
    assert parts["x_train"].shape == (5, 32, 32, 3) and (parts["x_test"][0] == image).all()
    assert parts["y_train"].tolist() == [7] * 5


def test_every_download_is_pinned_and_has_mirrors():
    for name, entry in data.DATASETS.items():
        assert entry.reader in data.READERS
        assert bool(entry.downloads) == bool(entry.full_reader) == bool(entry.part), name
        for item in entry.downloads:
            assert entry.full_reader in data.READERS
            assert len(item.urls) >= 2 and all(url.startswith("https://") for url in item.urls)
            pins = [item.sha256, *item.payload.values()]
            assert all(re.fullmatch(r"[0-9a-f]{64}", pin) for pin in pins) and len(set(pins)) == len(pins)


def test_readme_registry_and_files_agree():
    readme = (ROOT / "data" / "README.md").read_text(encoding="utf-8")
    files = {path.name for path in (ROOT / "data").iterdir() if path.suffix in {".npz", ".csv", ".txt"}}
    assert files == {entry.sample for entry in data.DATASETS.values()}, "every bundled file is registered"
    for entry in data.DATASETS.values():
        raw = (ROOT / "data" / entry.sample).read_bytes()
        assert hashlib.sha256(raw).hexdigest() == entry.sha256
        assert f"`{entry.sha256}`" in readme and f"{len(raw):,}" in readme
    assert sum((ROOT / "data" / file).stat().st_size for file in files) <= 40e6
    run = subprocess.run([sys.executable, "data/build.py", "--readme"], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert run.stdout == readme, "run `python data/build.py` to refresh data/README.md"
