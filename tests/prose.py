"""What the tests of pages have in common: texts as they are read, sentences that stand twice, spoiled texts."""

import re


def plain(text):
    """The text as it is read: a marked number is one word, a link its title, an equation of its own line one word."""
    text = re.sub(r"<!-- result: .*?<!-- /result -->", "number", text)
    return re.sub(r"\]\([^)]*\)", "]", re.sub(r"\$\$.*?\$\$", "equation", text, flags=re.S))


def twice(texts):
    """The sentences of more than five words that stand twice in the texts."""
    seen, found = set(), []
    for text in texts:
        for sentence in re.split(r"(?<=[.!?])\s+|\n|\|", plain(text)):
            if len(sentence.split()) > 5:
                found += [sentence] * (sentence in seen)
                seen.add(sentence)
    return found


def see_each(text, faults, *spoilings):
    """Assert that `faults` finds nothing in the text, and each complaint after its (old, new, complaint)."""
    assert not faults(text)
    for old, new, complaint in spoilings:
        assert old in text, f"there is no {old!r} to spoil"
        assert complaint in str(faults(text.replace(old, new))), complaint
