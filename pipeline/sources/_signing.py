"""Addresses of the Planetary Computer, signed by its own package: a token for a container, kept until a minute before it ends."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

from pipeline.client import LOOPBACK, allowed, shown
from pipeline.errors import DataError

SAS_URL = "https://planetarycomputer.microsoft.com/api/sas/v1/token"
STORAGE = ".blob.core.windows.net"


def signed(url: str, fresh: bool = False, *, sas_url: str, hosts: tuple[str, ...]) -> str:
    """An address of blob storage with a signature, a new one if `fresh`; any other address as it is.

    The account is the first label of the host, the container the first part of the path; on this machine, where a storage server has one
    host for all accounts, both stand in the path, as with Azure's emulator.
    """
    parts = urlsplit(url)
    host, path = parts.hostname or "", parts.path.lstrip("/").split("/")
    if host.endswith(STORAGE):
        account, container = host.removesuffix(STORAGE), path[0]
    elif host in LOOPBACK and len(path) > 2:
        account, container = path[:2]
    else:
        return url
    return urlunsplit(parts._replace(query=_token(account, container, sas_url, hosts, fresh)))


def _token(account: str, container: str, sas_url: str, hosts: tuple[str, ...], fresh: bool) -> str:
    import requests
    from planetary_computer import sas
    from planetary_computer.settings import Settings

    allowed(sas_url, hosts)
    settings = Settings.get()
    settings.sas_url = sas_url  # tokens are kept by address, so sources of several endpoints do not mix
    if fresh:
        sas.TOKEN_CACHE.pop(f"{sas_url}/{account}/{container}", None)
    try:
        return str(sas.get_token(account, container, retry_total=5).token)
    except (requests.RequestException, ValueError) as error:
        raise DataError(
            f"{shown(sas_url)}/{account}/{container}: gives no signature ({type(error).__name__}); check `sas_url:` and the connection, and run again"
        ) from error
