"""The colours of maps and of kinds of vectors, where everybody can tell them apart.

What is drawn on a page has them once more: kit/colours.js and kit/colours.css in widgets/. A test holds all together.
"""

# Ten stops of cividis (Nuñez, Anderton & Renslow 2018), evenly spaced: readable in every common form of colour blindness
# and in grey.
CIVIDIS = ["#00224e", "#123570", "#3b496c", "#575d6d", "#707173", "#8a8678", "#a59c74", "#c3b369", "#e1cc55", "#fee838"]

# Okabe and Ito (2008); context a little darker, to be read on white.
PALETTE = {"queries": "#0072b2", "keys": "#d55e00", "values": "#009e73", "context": "#a6458a"}
# The same on a dark page, where they have to be lighter.
PALETTE_DARK = {"queries": "#56b4e9", "keys": "#f0a042", "values": "#35c79b", "context": "#dd93bd"}

# What drawings lie on, and are written and framed with, in the reader's scheme.
SURFACES = {
    "light": {"card": "#ffffff", "ink": "#16181d", "soft": "#4f545e", "line": "#8a909c"},
    "dark": {"card": "#191c22", "ink": "#f0f2f5", "soft": "#b4bac5", "line": "#7d8490"},
}
