"""The characters: source text, Unicode properties, and the rules of UAX #9, #14, #24 and #29 (Unicode 17.0).

Everything here works on numpy arrays of code points, over a text of many paragraphs at once. Nothing here knows a
font, a page or a pixel.

    source.py        bytes → str, and str → chunks that bound memory
    properties.py    code points → records → properties, one lookup a character
    runs.py          runs of neighboring characters of one kind, and their neighbors

    grapheme.py      UAX #29: where grapheme clusters begin
    wordbreak.py     UAX #29: where words begin
    linebreak.py     UAX #14: where lines may break and must break
    tailored_breaks.py  the same, tailored for paths, options and source code (the default)
    browser_breaks.py   where Chromium breaks lines
    complexbreak.py  breaks inside Thai, Lao, Khmer and Burmese, which UAX #14 leaves to a dictionary
    script.py        UAX #24: the script in which each character is shaped

    bidi.py          UAX #9: embedding levels and visual order
    isolates.py      UAX #9: isolating run sequences (rules X1 to X10)
    bidi_classes.py  UAX #9: names and sets of bidi classes

`src/generators/generate_unicode_properties.py` writes unicode_properties.bin, the table that properties.py reads.
"""
