"""Whether a file is as it was when it was last seen, without opening it."""

from typing import Protocol


class FileState(Protocol):
    """What a file system says about a file, now or earlier."""

    @property
    def size_bytes(self) -> int:
        """The length of the file."""

    @property
    def modified_ns(self) -> int:
        """When the content last changed, as any program may set it."""

    @property
    def status_changed_ns(self) -> int | None:
        """When content, name, owner or rights last changed, which no program can set; None if it was not noted."""

    @property
    def inode(self) -> int | None:
        """The number of the file in its file system; 0 or None if it says nothing."""


def is_unchanged(now: FileState, before: FileState) -> bool:
    """Whether the content is the same for certain; if not, it still may be.

    A file noted without its change of status is judged by size and modification time.
    """
    if not _are_size_and_time_equal(now, before):
        return False
    if before.status_changed_ns is None:
        return True
    return now.status_changed_ns == before.status_changed_ns and not has_other_inode(now, before)


def has_other_inode(now: FileState, before: FileState) -> bool:
    """Whether the inode number shows that another file has taken the place of the one before.

    It counts where the change of status says no more than the modification time, as on FAT; elsewhere a file that takes
    the place of another has a later change of status.
    """
    is_other = bool(now.inode and before.inode and now.inode != before.inode)
    return is_other and now.status_changed_ns == now.modified_ns


def is_renumbered(now: FileState, before: FileState) -> bool:
    """Whether only the inode number differs; some file systems number files each time they are mounted."""
    same_times = now.status_changed_ns == before.status_changed_ns and _are_size_and_time_equal(now, before)
    return same_times and has_other_inode(now, before)


def is_same_inode(now: FileState, before: FileState) -> bool:
    """Whether this is the file seen before, under whatever name, with its content unchanged by its times."""
    return bool(now.inode) and now.inode == before.inode and _are_size_and_time_equal(now, before)


def _are_size_and_time_equal(now: FileState, before: FileState) -> bool:
    return (now.size_bytes, now.modified_ns) == (before.size_bytes, before.modified_ns)
