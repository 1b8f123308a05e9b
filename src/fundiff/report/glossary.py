"""Links from the first use of each term in a section to its definition."""

from __future__ import annotations

import re

TERMS = {
    "prior": r"prior",
    "unet": r"UNet",
    "critic": r"critic",
    "judge": r"judge",
    "alignment": r"[Aa]lignment",
    "concealment": r"[Cc]oncealment",
    "frechet": r"Frechet (?:classifier )?distance",
    "coverage": r"[Cc]overage|[Rr]ecall",
    "psnr": r"PSNR|SSIM",
    "level": r"[Ll]evels?",
    "guidance": r"[Gg]uidance",
    "calls": r"(?:UNet )?calls",
    "d": r"D(?= =)",
    "training": r"[Ee]pochs?|[Hh]eld-out|[Oo]ne-hot|[Ee]xpectation",
}
SECTION = re.compile(r'(<section id="([\w-]+)".*?</section>)', re.DOTALL)
CLOSED = {"a", "code", "math", "pre", "button", "h3", "h4", "summary"}  # elements in which no link is made


def linked(html: str) -> str:
    """The page with the first use of each term in a section linked to its definition."""
    return SECTION.sub(lambda match: match[0] if match[2] in ("cast", "summary") else section(match[0]), html)


def section(html: str) -> str:
    """One section with its links."""
    left, parts = dict(TERMS), re.split(r"(<[^>]+>)", html)
    opened: list[str] = []
    for i, part in enumerate(parts):
        if part.startswith("<"):
            name = re.match(r"</?(\w+)", part)
            if name and name[1] in CLOSED | {"p"}:
                opened = opened[:-1] if part.startswith("</") else [*opened, name[1]]
        elif "p" in opened and not CLOSED & set(opened):
            parts[i] = with_links(part, left)
    return "".join(parts)


def with_links(text: str, left: dict[str, str]) -> str:
    """A text with the terms in `left` linked once; linked terms are removed from `left`."""
    for term, pattern in list(left.items()):
        pieces = re.split(r"(<[^>]+>[^<]*</a>)", text)
        for i in range(0, len(pieces), 2):
            made, count = re.subn(
                rf"\b({pattern})\b", rf'<a class="term" href="#cast-{term}">\1</a>', pieces[i], count=1
            )
            if count:
                pieces[i] = made
                del left[term]
                break
        text = "".join(pieces)
    return text
