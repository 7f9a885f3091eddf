"""Static pictures: attention as a heat map, vectors as arrows, losses as a ladder.

Each function returns a `Picture`, a matplotlib `Figure` that shows itself once at the end of a notebook cell, with or
without pyplot; with `ax`, it draws into a figure of yours and returns that one. Labels are drawn as they are: `$`
starts no formula, and characters that nobody would see, such as a line break, are written as escapes. The colour-blind
can tell colours apart: cividis for maps, Okabe and Ito's for arrows, which differ in marker and line too.
"""

from course_lib.plots.arrows import MORE_STYLES, STYLES, vectors
from course_lib.plots.heatmap import attention_heatmap
from course_lib.plots.inputs import visible
from course_lib.plots.ladder import ladder
from course_lib.plots.picture import Picture

__all__ = ["MORE_STYLES", "STYLES", "Picture", "attention_heatmap", "ladder", "vectors", "visible"]
