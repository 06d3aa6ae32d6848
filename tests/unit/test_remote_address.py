"""Addresses of videos: which are taken, which are refused, and that no message repeats a secret."""

import pytest

from kinema.experiment.files import ConfigError, load_config
from kinema.media.remote.address import folder_of, is_remote, split_address, trouble, without_secrets

ADDRESSES = [
    *("s3://bucket/some/prefix", "s3://bucket", "gs://bucket/a b", "az://container/x", "https://host:8080/videos/"),
    *("http://127.0.0.1/v", "sftp://anna@host/data", "sftp://host/data", "s3://bucket/@home/50%"),
]


def config(videos: str):
    return load_config({"datasets": {"mine": {"annotations": {"path": "list.csv"}, "videos": videos}}})


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_is_taken_as_it_is(address):
    assert is_remote(address)
    assert config(address).datasets["mine"].videos == address


@pytest.mark.parametrize("place", ["data/videos", "/data/videos", "data/a:b", "./s3", "a b"])
def test_a_folder_is_no_address(place):
    assert not is_remote(place)
    assert trouble(place) is None


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("s3://AKIA:SECRET@bucket/x", "must not hold a user name or a password"),
        ("https://anna:SECRET@host/x", "must not hold a user name or a password"),
        ("https://SECRET@host/x", "must not hold a user name or a password"),
        ("sftp://anna:SECRET@host/x", "must not hold a user name or a password"),
        ("https://host/x?sig=SECRET", "must not hold a `\\?`"),
        ("az://container/x?sv=1&sig=SECRET", "must not hold a `\\?`"),
        ("s3://AKIA:" + "SECRET" * 60 + "@bucket/x", "must not hold a user name or a password"),
        ("s3:/bucket/x", "begins with s3://.*`s3:/` is neither"),
        ("ftp://host/x", "begins with s3://.*`ftp:/` is neither"),
        ("S3://bucket/x", "`S3:/` is neither"),
        ("s3:///x", "expected a bucket behind s3://"),
        ("https:///x", "expected a host behind https://"),
    ],
)
def test_a_wrong_address_is_refused_without_repeating_a_secret(address, message):
    with pytest.raises(ConfigError, match=rf"datasets\.mine\.videos: .*{message}") as error:
        config(address)
    assert "SECRET" not in str(error.value)
    assert "\n" not in str(error.value)


def test_a_secret_in_a_wrong_place_of_the_configuration_is_not_repeated():
    with pytest.raises(ConfigError, match="found") as error:
        load_config({"datasets": {"mine": {"annotations": {"path": "a"}, "videos": ["s3://A:SECRET@bucket"]}}})
    assert "SECRET" not in str(error.value)


def test_what_may_be_a_secret_becomes_dots():
    text = "https://a:SECRET@host/x?sig=SECRET and s3://bucket/x, https://b/c?d"
    assert without_secrets(text) == "https://...@host/x?... and s3://bucket/x, https://b/c?..."


def test_an_address_is_taken_apart_and_names_are_joined_to_it():
    assert split_address("s3://bucket/some/path") == ("s3://bucket", "some/path")
    assert folder_of("s3://bucket/some/50%25/") == "s3://bucket/some/50%25/"
    assert folder_of("https://host:1/a%20b") == "https://host:1/a b/"
    assert folder_of("sftp://host") == "sftp://host/"
