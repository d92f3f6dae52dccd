"""Could see names the back doors of the machine: who reaches the keeper past its policies."""

import getpass

from fixtures.keeper import RunningKeeper


def test_could_see_lists_os_users_database_roles_and_keys(own_keeper: RunningKeeper) -> None:
    keeper = own_keeper
    keeper.sql("CREATE ROLE snoop LOGIN; GRANT keeper TO snoop; CREATE ROLE guest LOGIN; GRANT CONNECT ON DATABASE keeper TO guest")
    (keeper.home / "keys" / "kek").chmod(0o600)
    (keeper.home / "keys" / "log-signing").chmod(0o640)
    keeper.stop()
    keeper.start()
    found = keeper.client("dewi.hoekstra").could_see(actor="bss")["findings"]
    for finding in (
        "root:", f"os-user: {getpass.getuser()} ", "copies:", "file-exposed: others may reach keeper/keys/log-signing", "database-superuser:",
        "database-member: snoop ", "database-role: guest ", "service-key: who can read the key file of bss ",
    ):  # fmt: skip
        assert any(sentence.startswith(finding) for sentence in found), finding
    assert not any("keys/kek" in sentence for sentence in found)
