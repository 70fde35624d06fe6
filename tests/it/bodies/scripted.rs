//! A streaming body that the test writes: its frames, where it is not ready, its trailers, its error.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};

#[derive(Clone, Debug)]
pub enum Part {
    Data(Vec<u8>),
    /// Not ready at the first poll; its task is woken at once.
    Later,
    /// Not ready until the test opens the gate.
    Blocked,
    Fails(&'static str),
    Trailers(HeaderMap),
}

#[derive(Clone, Debug, Default)]
pub struct Scripted {
    pub parts: VecDeque<Part>,
    /// Whether its size hint is exact.
    pub sized: bool,
    pub gate: Gate,
    /// It has reported its end. It must not be polled again: some streams panic then.
    pub over: bool,
}

/// Opens a body that is [blocked](Part::Blocked). Clones are the same gate.
#[derive(Clone, Debug, Default)]
pub struct Gate(Arc<Mutex<(bool, Option<Waker>)>>);

impl Gate {
    pub fn open(&self) {
        let mut gate = self.0.lock().unwrap();
        gate.0 = true;
        if let Some(waker) = gate.1.take() {
            waker.wake();
        }
    }
}

impl Scripted {
    pub fn of(parts: impl IntoIterator<Item = Part>) -> Self {
        Self { parts: parts.into_iter().collect(), ..Self::default() }
    }

    /// Frames of data.
    pub fn data<const N: usize>(frames: [&[u8]; N]) -> Self {
        Self::of(frames.map(|frame| Part::Data(frame.to_vec())))
    }

    /// `onetwothree`, for a server that reads this many bytes. What it does not read becomes ready when the gate opens.
    pub fn rejected_after(read: usize) -> Self {
        let mut body = Self::data([b"one"]).then(Part::Blocked).then(Part::Data(b"twothree".to_vec()));
        if read > 3 {
            body.parts.remove(1);
        }
        body
    }

    pub fn sized(mut self) -> Self {
        self.sized = true;
        self
    }

    pub fn then(mut self, part: Part) -> Self {
        self.parts.push_back(part);
        self
    }
}

impl Body for Scripted {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        assert!(!self.over, "polled after its end");
        self.over = self.parts.is_empty();
        match self.parts.front() {
            Some(Part::Later) => {
                self.parts.pop_front();
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            Some(Part::Blocked) => {
                let mut gate = self.gate.0.lock().unwrap();
                if !gate.0 {
                    gate.1 = Some(context.waker().clone());
                    return Poll::Pending;
                }
                drop(gate);
                self.parts.pop_front();
                return self.poll_frame(context);
            }
            _ => {}
        }
        Poll::Ready(self.parts.pop_front().map(|part| match part {
            Part::Data(data) => Ok(Frame::data(data.into())),
            Part::Trailers(trailers) => Ok(Frame::trailers(trailers)),
            Part::Fails(why) => Err(io::Error::other(why)),
            Part::Later | Part::Blocked => unreachable!("dealt with above"),
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.sized && self.parts.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        let left = self.parts.iter().map(|part| match part {
            Part::Data(data) => data.len() as u64,
            _ => 0,
        });
        if self.sized { SizeHint::with_exact(left.sum()) } else { SizeHint::default() }
    }
}
