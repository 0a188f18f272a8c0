"""Language tags: the forms that people write become BCP 47. A tag that names no language is refused, with a suggestion.

BCP 47 has the two-letter code wherever there is one. Lists of languages also write ISO 639-2 and 639-3 ("jpn", "ger",
"zho"), POSIX locales ("ja_JP") and names ("Japanese"), and countries are taken for languages ("jp"). A tag that is not
understood would choose nothing, and Japanese would be drawn in the forms of mainland China without a word. Three-letter
codes that ISO 639-1 does not have ("yue", "haw") are accepted unchecked: there are 7,900, too many to list here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from glyphrender.theta.parameter import Parameter, declare

# ISO 639-1 with the codes of ISO 639-2 (T, then B where it differs) and 639-3 that mean the same.
_ISO_639: Final = """
aa aar|ab abk|ae ave|af afr|ak aka|am amh|an arg|ar ara arb|as asm|av ava|ay aym|az aze|ba bak|be bel|bg bul|bi bis
bm bam|bn ben|bo bod tib|br bre|bs bos|ca cat|ce che|ch cha|co cos|cr cre|cs ces cze|cu chu|cv chv|cy cym wel|da dan
de deu ger|dv div|dz dzo|ee ewe|el ell gre|en eng|eo epo|es spa|et est ekk|eu eus baq|fa fas per pes|ff ful|fi fin
fj fij|fo fao|fr fra fre|fy fry|ga gle|gd gla|gl glg|gn grn|gu guj|gv glv|ha hau|he heb|hi hin|ho hmo|hr hrv|ht hat
hu hun|hy hye arm|hz her|ia ina|id ind|ie ile|ig ibo|ii iii|ik ipk|io ido|is isl ice|it ita|iu iku|ja jpn|jv jav
ka kat geo|kg kon|ki kik|kj kua|kk kaz|kl kal|km khm|kn kan|ko kor|kr kau|ks kas|ku kur|kv kom|kw cor|ky kir|la lat
lb ltz|lg lug|li lim|ln lin|lo lao|lt lit|lu lub|lv lav lvs|mg mlg|mh mah|mi mri mao|mk mkd mac|ml mal|mn mon khk
mr mar|ms msa may zsm|mt mlt|my mya bur|na nau|nb nob|nd nde|ne nep npi|ng ndo|nl nld dut|nn nno|no nor|nr nbl|nv nav
ny nya|oc oci|oj oji|om orm|or ori ory|os oss|pa pan|pi pli|pl pol|ps pus|pt por|qu que|rm roh|rn run|ro ron rum
ru rus|rw kin|sa san|sc srd|sd snd|se sme|sg sag|sh hbs|si sin|sk slk slo|sl slv|sm smo|sn sna|so som|sq sqi alb
sr srp|ss ssw|st sot|su sun|sv swe|sw swa swh|ta tam|te tel|tg tgk|th tha|ti tir|tk tuk|tl tgl|tn tsn|to ton|tr tur
ts tso|tt tat|tw twi|ty tah|ug uig|uk ukr|ur urd|uz uzb uzn|ve ven|vi vie|vo vol|wa wln|wo wol|xh xho|yi yid ydd|yo yor
za zha|zh zho chi|zu zul
"""
_SHORT: Final = {
    code: codes[0] for line in re.split(r"[|\n]", _ISO_639.strip()) for codes in [line.split()] for code in codes
} | {"iw": "he", "in": "id", "ji": "yi", "jw": "jv", "mo": "ro"}  # codes that BCP 47 has replaced
# Codes of countries and English names that people write in place of a language code.
_MEANT: Final = {
    "jp": "ja", "cn": "zh-Hans", "hk": "zh-HK", "cz": "cs", "dk": "da", "gr": "el", "ua": "uk", "vn": "vi", "us": "en",
    "gb": "en-GB", "japanese": "ja", "korean": "ko", "chinese": "zh-Hans", "mandarin": "zh-Hans", "english": "en",
    "german": "de", "french": "fr", "spanish": "es", "italian": "it", "russian": "ru", "arabic": "ar", "hebrew": "he",
    "greek": "el", "thai": "th", "hindi": "hi", "turkish": "tr", "dutch": "nl", "polish": "pl", "czech": "cs",
    "persian": "fa", "urdu": "ur", "tibetan": "bo", "burmese": "my", "khmer": "km", "tamil": "ta", "bengali": "bn",
    "hans": "zh-Hans", "hant": "zh-Hant", "jpan": "ja", "kore": "ko",
}  # fmt: skip
# RFC 5646 §2.1, without grandfathered tags: language, extended language, script, region, variants, extensions.
_TAG: Final = re.compile(
    r"(?P<language>[a-z]{2,8})(?:-(?P<extended>[a-z]{3}))?(?:-(?P<script>[a-z]{4}))?(?:-(?P<region>[a-z]{2}|\d{3}))?"
    r"(?P<rest>(?:-(?:[a-z0-9]{5,8}|\d[a-z0-9]{3}))*(?:-[a-z0-9](?:-[a-z0-9]{2,8})+)*)",
    re.ASCII,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Language(Parameter):
    """A BCP 47 tag in its usual spelling ("zh-Hant-TW"), or empty."""

    def normalise(self, name: str, value: Any) -> str:  # noqa: D102 -- see Parameter
        if not isinstance(value, str):
            raise self.error(name, value, "is not text")
        written = value.strip().replace("_", "-").lower()
        if not written:
            return ""
        match = _TAG.fullmatch(written)
        if match is None:
            raise self.error(name, value, "is not a language tag")
        language, extended = match["language"], match["extended"]
        if extended and language in ("zh", "zho", "chi"):  # "zh-yue" is "yue"
            language, extended = extended, None
        if len(language) != 3:
            if language not in _SHORT:
                meant = _MEANT.get(language)
                hint = f' (did you mean "{meant}"?)' if meant else ""
                raise self.error(name, value, f"names no language{hint}")
            language = _SHORT[language]
        else:
            language = _SHORT.get(language, language)
        script, region = (match["script"] or "").title(), (match["region"] or "").upper()
        return "-".join(filter(None, (language, extended, script, region))) + match["rest"]

    def domain(self) -> str:  # noqa: D102 -- see Parameter
        return 'a BCP 47 tag such as "en", "zh-Hans" or "sr-Latn" (ISO 639 codes and "ja_JP" are understood), or ""'


def language_tag(value: str) -> str:
    """Return a language tag in the one form that θ keeps.

    Raises:
        ThetaError: the tag names no language.

    >>> [language_tag(tag) for tag in ("jpn", "ja_JP", "ZH-hant-tw", "ger", "zh-yue", "cmn-hant", "de-1996")]
    ['ja', 'ja-JP', 'zh-Hant-TW', 'de', 'yue', 'cmn-Hant', 'de-1996']
    """
    return Language(help="language of the text").normalise("language", value)


def language(default: str, *, help: str) -> Any:
    """Declare a language tag."""
    return declare(default, Language(help=help))
