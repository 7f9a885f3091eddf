"""Train a translator that comes with the course again, and say on its test split what it reaches."""

import argparse
import sys
import time

import torch

from course_lib.data import corpora
from course_lib.training import recipes, trained
from course_lib.training.metrics import bleu, chrf

DATA = {"en-bg": "Tatoeba English–Bulgarian, CC BY 2.0 FR, the training split of course_lib.data.corpora.tatoeba"}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m course_lib.training.trained", description=__doc__)
    parser.add_argument("name", choices=sorted(DATA))
    parser.add_argument("--core-minutes", type=float, default=20, help="processor time for training (default 20)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", help="where to write (default: the package's own)")
    options = parser.parse_args()
    torch.set_num_threads(1)  # so that processor time is what the clock shows
    try:
        splits = corpora.tatoeba(*options.name.split("-"))
    except corpora.CorpusError as error:
        sys.exit(str(error))
    begin = time.process_time()
    budget = {"core_seconds": 60 * options.core_minutes, "seed": options.seed}
    translator, history = recipes.translation(splits.train, **budget, **trained.SETTINGS[options.name])
    minutes = (time.process_time() - begin) / 60
    translator.model.half().float()  # measured as it will be kept
    sources, references = zip(*splits.test, strict=True)
    translations = translator.translate(sources, beam_width=4)
    about = {
        "command": f"python -m course_lib.training.trained {options.name} --core-minutes {options.core_minutes:g} --seed {options.seed}",
        "data": f"{DATA[options.name]}, {len(splits.train):,} pairs",
        "seed": options.seed,
        "steps": len(history),
        "core minutes": round(minutes, 1),
        "torch": torch.__version__,
        "test": {
            "pairs": len(sources),
            "beam width": 4,
            "BLEU": round(bleu(translations, references), 1),
            "chrF": round(chrf(translations, references), 1),
        },
    }
    translator.model.half()
    translator.save(options.folder or trained.FOLDER / options.name, **about)
    print(about)


if __name__ == "__main__":
    main()
