"""What the models of the course learn from.

| module | data | from |
|---|---|---|
| `dates` | dates as people write them, and the same in ISO 8601 | made with Babel, from a seed |
| `date_lists` | lists of such dates, word by word: a task whose length one can turn | `dates` |
| `digits` | handwritten digits of 8×8 pixels | comes with scikit-learn |
| `docs` | the language reference of Python as text, and docstrings by kind of module | comes with every CPython |
| `corpora` | Multi30k (German-English), Tatoeba (English-Bulgarian), film reviews | downloaded once, checksummed |

`date_formats` and `invented_dates` stand behind `dates`, `corpus_files` behind `corpora`.

Everything comes in `splits.Splits(train, validation, test)`: choose settings on validation, look at test once. The same
call gives the same data on every machine with the same versions of Python, NumPy, Babel and scikit-learn.
"""
