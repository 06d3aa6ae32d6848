"""Videos on a server of SFTP: found and read with the keys of ssh, from servers that ssh knows."""

import os
import socket
import threading
from pathlib import Path

import paramiko
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from media_corpus import Corpus, make_video

from kinema.input_error import InputError
from kinema.media.listing import list_videos
from kinema.media.remote import retrying, stores


class _Login(paramiko.ServerInterface):
    def __init__(self, known: str):
        self.known = known

    def check_auth_publickey(self, username, key):
        is_known = (username, key.get_base64()) == ("anna", self.known)
        return paramiko.AUTH_SUCCESSFUL if is_known else paramiko.AUTH_FAILED

    def get_allowed_auths(self, username):
        return "publickey"

    def check_channel_request(self, kind, channel):
        return paramiko.OPEN_SUCCEEDED


class _Files(paramiko.SFTPServerInterface):
    """The files below a folder, to be read."""

    def __init__(self, server, *, root: Path):
        super().__init__(server)
        self.root = root

    def _path(self, path: str) -> Path:
        return self.root / path.lstrip("/")

    def list_folder(self, path):
        return [_about(one, one.lstat()) for one in self._path(path).iterdir()]

    def stat(self, path):
        return _told(lambda: _about(self._path(path), self._path(path).stat()))

    lstat = stat

    def open(self, path, flags, attr):
        def opened():
            handle = paramiko.SFTPHandle(flags)
            handle.readfile = self._path(path).open("rb")
            handle.stat = lambda: self.stat(path)
            return handle

        return _told(opened)


def _about(path: Path, status: os.stat_result) -> paramiko.SFTPAttributes:
    return paramiko.SFTPAttributes.from_stat(status, path.name)


def _told(made):
    try:
        return made()
    except OSError as error:
        return paramiko.SFTPServer.convert_errno(error.errno)


class Server:
    """A server that takes one user's key, for as many connections as come."""

    def __init__(self, root: Path, known: str):
        self.root, self.known, self.key = root, known, paramiko.ECDSAKey.generate()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.transports: list[paramiko.Transport] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            transport = paramiko.Transport(connection)
            transport.add_server_key(self.key)
            transport.set_subsystem_handler("sftp", paramiko.SFTPServer, _Files, root=self.root)
            self.transports.append(transport)
            try:
                transport.start_server(server=_Login(self.known))
            except paramiko.SSHException:  # the other side did not like our key
                continue

    def cut(self):
        """End all connections."""
        while self.transports:
            self.transports.pop().close()

    def close(self):
        self.listener.close()
        self.cut()


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A server that this user has met, and whose key it takes; `served/` is what it has."""
    ssh = tmp_path / "home" / ".ssh"
    ssh.mkdir(parents=True)
    key = Ed25519PrivateKey.generate()
    formats = (serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption())
    (ssh / "id_ed25519").write_bytes(key.private_bytes(*formats))
    (ssh / "id_ed25519").chmod(0o600)
    found = Server(tmp_path / "served", paramiko.Ed25519Key.from_private_key_file(str(ssh / "id_ed25519")).get_base64())
    name = f"[127.0.0.1]:{found.port}"
    (ssh / "known_hosts").write_text(f"{name} {found.key.get_name()} {found.key.get_base64()}\n")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    monkeypatch.setattr(retrying, "FIRST_WAIT_SECONDS", 0.01)
    stores.store_of.cache_clear()
    yield found
    found.close()
    stores.store_of.cache_clear()


def test_videos_of_a_server_are_decoded_and_a_broken_connection_is_made_anew(server, tmp_path):
    corpus = Corpus(tmp_path)
    for seed, name in enumerate("ab"):
        make_video(tmp_path / "served" / "films" / "wave" / f"{name} 1.mp4", seed=seed)
    (tmp_path / "elsewhere.mp4").write_bytes((tmp_path / "served/films/wave/a 1.mp4").read_bytes())
    (tmp_path / "served/films/linked.mp4").symlink_to(tmp_path / "elsewhere.mp4")
    (tmp_path / "served/films/lost.mp4").symlink_to(tmp_path / "nowhere.mp4")
    (tmp_path / "served/films/around").symlink_to(tmp_path / "served/films")
    corpus.videos = f"sftp://anna@127.0.0.1:{server.port}/films"
    assert list(list_videos(corpus.videos)) == ["linked.mp4", "wave/a 1.mp4", "wave/b 1.mp4"]
    assert corpus.write(["a 1", "b 1", "c"]) == {"kept": 0, "decoded": 2, "failed": 0, "missing": 1}
    assert corpus.rows()["a 1"]["path"] == f"{corpus.videos}/wave/a 1.mp4"
    server.cut()
    make_video(tmp_path / "served" / "films" / "wave" / "a 1.mp4", frames=9)
    assert corpus.write(["a 1", "b 1", "c"]) == {"kept": 1, "decoded": 1, "failed": 0, "missing": 1}


def test_a_server_that_ssh_has_not_met_is_not_believed(server, tmp_path):
    (tmp_path / "home/.ssh/known_hosts").unlink()
    message = r"cannot be listed \(its key is not in ~/.ssh/known_hosts: connect once with ssh\). Credentials"
    with pytest.raises(InputError, match=message):
        list_videos(f"sftp://anna@127.0.0.1:{server.port}/films")


def test_a_wrong_user_is_told(server):
    with pytest.raises(InputError, match=r"cannot be listed \(AuthenticationException\). Credentials come from"):
        list_videos(f"sftp://berta@127.0.0.1:{server.port}/films")
