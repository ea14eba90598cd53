"""Class colours that colour-blind people can tell apart, the same in windows, previews and reports."""

from __future__ import annotations

import colorsys

#: Okabe and Ito (2008), "Color Universal Design"; background first, drawn as nothing.
_OKABE_ITO = (
    (230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (0, 114, 178), (213, 94, 0), (204, 121, 167),
)  # fmt: skip
BACKGROUND = (0, 0, 0)
IGNORED = (128, 128, 128)


def class_colours(count: int) -> list[tuple[int, int, int]]:
    """RGB of ``count`` classes, class 0 (background) black; beyond eight, hues at two brightnesses."""
    colours: list[tuple[int, int, int]] = [BACKGROUND, *_OKABE_ITO]
    for extra in range(max(0, count - len(colours))):
        r, g, b = colorsys.hsv_to_rgb(
            (extra * 0.382) % 1.0, 0.55 + 0.35 * (extra % 2), 0.95 - 0.3 * (extra % 2)
        )
        colours.append((round(r * 255), round(g * 255), round(b * 255)))
    return colours[:count]
