"""Names that modules had in version 0.1: a copy that a learner made then still finds what it imports."""

import sys

TYPE_CHECKING = False  # as in `typing`, which is not loaded with the course's package
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

MOVED = {
    "course_lib.doctor": "course_lib.classroom.doctor",
    "course_lib.notebooks": "course_lib.classroom.places",
    "course_lib.practice": "course_lib.classroom.practice",
    "course_lib.review": "course_lib.classroom.review",
}
SPLIT = {"course_lib.tokens": ("course_lib.bpe", "course_lib.word_vectors")}


class Forwarding:
    """Gives the module of today under its name of 0.1."""

    def find_spec(
        self, name: str, path: "Sequence[str] | None" = None, target: "ModuleType | None" = None
    ) -> "ModuleSpec | None":
        """Find a module under an old name, or under the old name of its package."""
        return type(__spec__)(name, self) if name in SPLIT or self._today(name) else None

    def create_module(self, spec: "ModuleSpec") -> "ModuleType | None":
        """Load the module of today in the place of the old one."""
        if spec.name in SPLIT:
            return None  # a module of its own
        import importlib  # not with the course's package, which loads nothing

        module = importlib.import_module(self._today(spec.name))
        spec.loader_state = module.__spec__
        return module

    def exec_module(self, module: "ModuleType") -> None:
        """Give the module, which is loaded, its own spec back; give a module that was split the names of its parts."""
        if module.__name__ in SPLIT:
            import importlib

            for part in SPLIT[module.__name__]:
                names = vars(importlib.import_module(part))
                vars(module).update({name: value for name, value in names.items() if not name.startswith("_")})
            return
        module.__spec__ = module.__spec__.loader_state  # pyrefly: ignore[missing-attribute]: importlib has set it

    def _today(self, name):
        for old, new in MOVED.items():
            if name == old or name.startswith(old + "."):
                return new + name[len(old) :]
        return None


def forward() -> None:
    """Let imports find the old names, from now on."""
    sys.meta_path.insert(0, Forwarding())  # first: a module of a moved package would be found again under its old name
