//! The bodies of a token server's responses: whole, in pieces, torn.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::Frame;
use http_body_util::{BodyExt, Full};

use super::Body;

/// Large enough that a megabyte is a few dozen of them, small enough that every test's response is several.
const PIECE: usize = 16;
const LARGE_PIECE: usize = 32 * 1024;

pub(super) fn sized(bytes: Bytes) -> Body {
    Full::new(bytes).map_err(|never| match never {}).boxed_unsync()
}

pub(super) fn chunked(bytes: Bytes) -> Body {
    let size = if bytes.len() > LARGE_PIECE { LARGE_PIECE } else { PIECE };
    let pieces = bytes.chunks(size).map(Bytes::copy_from_slice).collect();
    Pieces { pieces, end: End::Whole }.boxed_unsync()
}

pub(super) fn torn(bytes: Bytes) -> Body {
    let half = bytes.slice(..bytes.len() / 2);
    Pieces { pieces: [half].into(), end: End::Torn { sent: false } }.boxed_unsync()
}

pub(super) fn endless() -> Body {
    Pieces { pieces: VecDeque::new(), end: End::Never }.boxed_unsync()
}

struct Pieces {
    pieces: VecDeque<Bytes>,
    end: End,
}

enum End {
    Whole,
    /// What came before it is sent first.
    Torn {
        sent: bool,
    },
    Never,
}

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        if let Some(piece) = self.pieces.pop_front() {
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
        match &mut self.end {
            End::Whole => Poll::Ready(None),
            End::Torn { sent: true } => Poll::Ready(Some(Err(io::ErrorKind::ConnectionReset.into()))),
            End::Torn { sent } => {
                // hyper sends what it has when its body is not ready.
                *sent = true;
                context.waker().wake_by_ref();
                Poll::Pending
            }
            End::Never => Poll::Pending,
        }
    }
}
