"""The addresses under `/course`, and what each of them does.

Every page and every form asks for Jupyter's own login, and every form for its token against forged requests. What takes
time runs beside the server's loop, so that kernels' messages never wait for a page: pages one after the other, and beside
them backups one after the other, which may take long.
"""

import asyncio
import contextlib
import tempfile
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from io import BytesIO
from pathlib import Path
from urllib.parse import quote, urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jupyter_server.base.handlers import APIHandler, FileFindHandler, JupyterHandler
from jupyter_server.utils import url_path_join
from markupsafe import Markup
from tornado import web

from course_lib.classroom import glossary, places, trust
from course_lib.classroom.copies import own_copy
from course_lib.classroom.files import FileTrouble
from course_lib.classroom.home import backup, theme
from course_lib.classroom.home.formulas import to_page
from course_lib.classroom.home.today import asked, today
from course_lib.classroom.practice.outlines import outline
from course_lib.classroom.practice.progress import Progress, ProgressError
from course_lib.classroom.practice.standing import MINUTES, PATHS, stand
from course_lib.classroom.review import exports, schedule, texts
from course_lib.classroom.review.texts import cards_text, day_text

HERE = Path(__file__).parent
CHUNK = 1 << 20  # bytes of a download that are sent at a time
POLICY = "default-src 'self'; style-src-attr 'unsafe-inline'; img-src 'self' data:; base-uri 'none'; form-action 'self'"

TEXTS = {
    "elsewhere": texts.TEXTS["elsewhere"],
    "restored": "Your backup is restored. What was here before is kept in the folder set-aside of your workspace.",
    "without": f"Your backup is restored. {backup.TEXTS['without']}",
    "outside": "{path} lies outside of the folder that this JupyterLab shows, {root}. The command “course lab” starts it there.",
    "path": "path: expected one of {known}, got {got!r}",
    "theme": "theme: expected one of {known}, got {got!r}",
    "minutes": "minutes: expected a whole number from {least} to {most}, got {got!r}",
    "seen": "seen: expected a whole number, got {got!r}",
    "no file": "choose the file of a backup first",
    "place": 'expected {"path": a path, "cell": the id of a cell}',
    "missing": "{name}: it is missing from this form",
    "not found": "There is no such page.",
    "denied": "This page was open for too long, or the request came from elsewhere. Go back, load it again, and repeat.",
    "failed": "That did not work; the server's log says why.",
}
FILES = {"calendar": ("reviews.ics", "text/calendar"), "anki": ("anki.txt", "text/plain")}
LONGEST_ID = 64  # characters of a cell's id, says the format of notebooks
TOLD = ("elsewhere", "restored", "without")  # what the address of a page may ask it to say


def handlers(server):
    """The pages' addresses, below the server's own.

    Args:
        server: a Jupyter `ServerApp`.
    """
    shared = {"home": Home(server)}
    served = {
        "": Front,
        "/settings": Settings,
        "/open/(notebooks|exercises)/([0-9]{2})": Open,
        "/theme": Theme,
        "/fresh": Fresh,
        "/review": Review,
        "/glossary": Glossary,
        "/export/(calendar|anki)": Export,
        "/backup": Backup,
        "/restore": Restore,
        "/api/place": PlaceLeft,
    }
    start = url_path_join(server.web_app.settings["base_url"], "course")
    pages = [(f"{start}{address}/?", handler, shared) for address, handler in served.items()]
    return [(f"{start}/static/(.*)", FileFindHandler, {"path": str(HERE / "static")}), *pages]


class Home:
    """What all pages share."""

    def __init__(self, server):
        self.server = server
        self.root = Path(server.root_dir).expanduser().resolve()
        self.pages = ThreadPoolExecutor(1, "course-pages")
        self.backups = ThreadPoolExecutor(1, "course-backups")
        self.templates = Environment(
            loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
            lstrip_blocks=True,
        )  # fmt: skip
        self.templates.filters |= {"page": lambda text: Markup(to_page(text)), "day": day_text, "cards": cards_text}
        self.pages.submit(stand, [])  # what the first page needs is loaded while the browser starts


class Beside:
    """Work that does not hold up the server."""

    def initialize(self, home):
        self.home = home

    async def beside(self, function, *arguments, worker=None, **options):
        """Run something that takes time beside the server's loop; what one worker does waits for each other."""
        work = partial(function, *arguments, **options)
        return await asyncio.get_running_loop().run_in_executor(worker or self.home.pages, work)


class Page(Beside, JupyterHandler):
    """A page, or a form that leads to one."""

    @property
    def content_security_policy(self):
        """Jupyter's, and besides: nothing comes from outside, and no script stands in a page."""
        return f"{super().content_security_policy}; {POLICY}"

    def show(self, template, **values):
        """Answer with a page."""
        self.set_header("Content-Type", "text/html; charset=UTF-8")
        self.set_header("Cache-Control", "no-store")  # the button Back shows what is true now
        told = self.request.query_arguments.get("told", [b""])[-1].decode("ascii", "replace")
        shared = {
            "address": self.address,
            "open_address": self.open_address,
            "task_address": self.task_address,
            "lab": url_path_join(self.base_url, "lab"),
            "theme": self.theme(),
            "xsrf": lambda: Markup(self.xsrf_form_html()),
            "told": TEXTS[told] if told in TOLD else "",
        }
        self.finish(self.home.templates.get_template(template).render(shared | values))

    def theme(self):
        """The theme of JupyterLab's settings; where they can't be read, the computer's."""
        try:
            return theme.chosen(self.home.server)
        except (OSError, web.HTTPError):
            return ""

    def address(self, *parts, **query):
        """The address of a page of the home."""
        return url_path_join(self.base_url, "course", *parts) + (f"?{urlencode(query)}" if query else "")

    def open_address(self, kind, number, cell=""):
        """The address that opens the learner's copy of a notebook, at a cell."""
        return self.address("open", kind, number, **({"cell": cell} if cell else {}))

    def task_address(self, task):
        """The address that opens the learner's exercises at a task: at its heading, above the cell to fill in."""
        number, cell = task.id[:2], task.name.replace("_", "-")
        return self.open_address("exercises", number, outline(places.lesson_path("exercises", number)).top_of(cell))

    def go(self, address):
        """Lead on to another page, which is then asked for anew."""
        self.redirect(address, status=303)

    def field(self, name):
        """A field of the form that was sent."""
        values = self.get_body_arguments(name)
        if not values:
            raise web.HTTPError(400, TEXTS["missing"].format(name=name))
        return values[-1]

    def write_error(self, status_code, **more):
        """Say what is wrong on a page of the home."""
        error = (more.get("exc_info") or (None, None))[1]
        message = TEXTS["failed"]
        if isinstance(error, (FileTrouble, places.NotACourse)):
            message = str(error)
        elif status_code == 403:
            message = TEXTS["denied"]
        elif status_code == 404:
            message = TEXTS["not found"]
        elif isinstance(error, web.HTTPError) and error.log_message:
            message = error.log_message.replace("%%", "%")  # as Tornado keeps it
        self.show("error.html", message=message)


class Front(Page):
    """Today, the path, what was built, what is the learner's; at first, the idea and two questions."""

    @web.authenticated
    async def get(self):
        seen = await self.beside(today)
        template = "first.html" if seen.standing.is_new and not seen.progress else "home.html"
        self.show(template, today=seen, standing=seen.standing, paths=PATHS, minutes=MINUTES)


class Settings(Page):
    """The way through the course and the minutes a day, as the learner chooses them; the first time, their way begins."""

    @web.authenticated
    async def post(self):
        path, minutes = self.field("path"), self.field("minutes")
        if path not in PATHS:
            raise _wrong("path", known=", ".join(PATHS), got=path)
        least, most = MINUTES
        if not (minutes.isascii() and minutes.isdigit() and len(minutes) < 5 and least <= int(minutes) <= most):
            raise _wrong("minutes", least=least, most=most, got=minutes)
        at = await self.beside(self.record, path, int(minutes))
        self.go(self.open_address(at.kind, at.lesson.number) if at else self.address())

    def record(self, path, minutes):
        """Keep the choice; returns where the way begins, the first time."""
        progress = Progress()
        is_first = not any(progress.known())
        _remember(progress, "setting", "path", value=path)
        _remember(progress, "setting", "minutes", value=minutes)
        return stand(progress.known()[0]).continue_at if is_first else None


class Theme(Page):
    """Light or dark, here and in JupyterLab."""

    @web.authenticated
    async def post(self):
        wanted = self.field("theme")
        if wanted not in theme.THEMES:
            raise _wrong("theme", known=", ".join(theme.THEMES), got=wanted)
        await self.beside(theme.choose, self.home.server, wanted)
        self.go(self.address())


class Open(Page):
    """The learner's copy of a lesson or its exercises in JupyterLab, made if there is none."""

    @web.authenticated
    async def get(self, kind, number):
        await self.open(kind, number)

    async def open(self, kind, number, *, fresh=False):
        """Go to a copy in JupyterLab."""
        address = await self.beside(self.place, kind, number, fresh=fresh)
        trust.give_to_copies(self.contents_manager.notary, kinds=[kind], lessons=[places.lesson_name(number)])
        self.go(address)

    def place(self, kind, number, *, fresh=False):
        """The address of a copy in JupyterLab."""
        try:
            with backup.putting:
                copy = own_copy(kind, places.lesson_name(number), fresh=fresh)
        except FileTrouble:
            raise
        except ValueError as error:
            raise web.HTTPError(404, str(error)) from None
        try:
            path = copy.path.resolve().relative_to(self.home.root).as_posix()
        except ValueError:
            raise FileTrouble(TEXTS["outside"].format(path=copy.path, root=self.home.root)) from None
        cell = self.get_query_argument("cell", "")
        at = f"#cell-id={quote(cell, safe='')}" if cell else ""
        return url_path_join(self.base_url, "lab/tree", quote(path)) + at


class Fresh(Open):
    """The course's new version of a notebook; the learner's is set aside."""

    @web.authenticated
    async def post(self):
        kind, number = self.field("kind"), self.field("lesson")
        if kind not in places.OWN:
            raise web.HTTPError(404)
        await self.open(kind, number, fresh=True)


class Review(Page):
    """Today's reviews, one card after the other."""

    @web.authenticated
    async def get(self):
        seen = await self.beside(today)
        cards = seen.reviews.cards
        one = cards[0] if cards else None
        options, comes_back = (asked(one), texts.comes_back(one)) if one else ([], {})
        said = {"ratings": texts.RATINGS, "comes_back": comes_back, "texts": texts.TEXTS}
        self.show("review.html", today=seen, one=one, options=options, **said)

    @web.authenticated
    async def post(self):
        card, rating, seen = self.field("card"), self.field("rating"), self.field("seen")
        if not (seen.isascii() and seen.isdigit() and len(seen) < 10):
            raise _wrong("seen", got=seen)
        try:
            counted = await self.beside(schedule.answer, card, rating, int(seen))
        except ValueError as error:
            raise web.HTTPError(400, str(error)) from None
        self.go(self.address("review", **({} if counted else {"told": "elsewhere"})))


class Glossary(Page):
    """The words of the field, with a search box."""

    @web.authenticated
    async def get(self):
        self.show("glossary.html", topics=glossary.topics())


class Export(Page):
    """The days of reviews for a calendar, or the cards for Anki."""

    @web.authenticated
    async def get(self, what):
        name, kind = FILES[what]
        text = await self.beside(lambda: getattr(exports, what)(Progress().events()))
        self.set_header("Content-Type", f"{kind}; charset=UTF-8")
        self.set_header("Content-Disposition", f'attachment; filename="{name}"')
        self.set_header("Cache-Control", "no-store")
        self.finish(text)


class Backup(Page):
    """All that is the learner's, as one file to keep elsewhere."""

    @web.authenticated
    async def get(self):
        self.set_header("Content-Type", "application/zip")
        self.set_header("Content-Disposition", f'attachment; filename="{backup.default_name(datetime.now())}"')
        self.set_header("Cache-Control", "no-store")
        with tempfile.TemporaryFile() as file:
            await self.beside(backup.write, file, worker=self.home.backups)
            file.seek(0)
            while chunk := file.read(CHUNK):
                self.write(chunk)
                await self.flush()


class Restore(Page):
    """A backup put back; what is there is set aside."""

    @web.authenticated
    async def post(self):
        files = self.request.files.get("backup", [])
        if not files or not files[0].body:
            raise web.HTTPError(400, TEXTS["no file"])
        _, problem = await self.beside(backup.restore, BytesIO(files[0].body), worker=self.home.backups)
        self.go(self.address(told="without" if problem else "restored"))


class PlaceLeft(Beside, APIHandler):
    """Where the learner is in a notebook, told by JupyterLab: {"path": below the folder it shows, "cell": its id}."""

    @web.authenticated
    async def post(self):
        told = self.get_json_body()
        path, cell = (told.get(name) if isinstance(told, dict) else None for name in ("path", "cell"))
        if not (
            isinstance(path, str) and isinstance(cell, str) and 0 < len(cell) <= LONGEST_ID and _is_text(path + cell)
        ):
            raise web.HTTPError(400, TEXTS["place"])
        await self.beside(self.record, path, cell)
        self.set_status(204)
        self.finish()

    def record(self, path, cell):
        """Keep the place, if the notebook is one of the learner's copies and they were elsewhere before."""
        try:
            place = (self.home.root / path).resolve().relative_to(places.workspace().resolve())
        except (ValueError, FileTrouble, places.NotACourse):  # another notebook, no path at all, or no folder of theirs
            return
        if len(place.parts) == 2 and place.parts[0] in places.OWN.values():
            progress, subject = Progress(), place.as_posix()
            before = progress.known("place")[0][-1:]
            if [(one["subject"], one["cell"]) for one in before] != [(subject, cell)]:
                _remember(progress, "place", subject, cell=cell)


def _remember(progress, kind, subject, **details):
    """Record an event. One that the file can't take now is remembered until it can, and the home page says what is wrong."""
    with contextlib.suppress(ProgressError):
        progress.record(kind, subject, **details)


def _is_text(string):
    """Whether it has no half characters (lone surrogates), which JSON can hold and a page or a path cannot."""
    return not any("\ud800" <= letter <= "\udfff" for letter in string)


def _wrong(text, **about):
    return web.HTTPError(400, TEXTS[text].format(**about))
