"""Which failed items are tried again."""

import pytest

from models.retry_failed import RetryFailed


def test_all_some_or_none_are_tried_again():
    assert RetryFailed().wants("CUDA error") and RetryFailed().wants("")
    assert RetryFailed(reason="CUDA").wants("CUDA error") and not RetryFailed(reason="CUDA").wants("no face")
    assert not RetryFailed(keep=True).wants("CUDA error")
    with pytest.raises(ValueError, match="retry: keep_failed: got it beside retry_failed 'CUDA'"):
        RetryFailed(keep=True, reason="CUDA")
