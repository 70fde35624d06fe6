//! One request of one contender, as everything that measures sees it.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// Sends one request and drops its answer. A clone shares what a program's own clone of a client would share, and
/// nothing else: the requests of two threads have no memory in common.
pub trait Call: Clone + Send + 'static {
    /// One request.
    fn once(&mut self);

    /// Many, one after the other.
    fn times(&mut self, count: usize) {
        for _ in 0..count {
            self.once();
        }
    }
}

/// Something that wants the calls of a contender, whatever their type.
pub trait Measure {
    /// What comes of it.
    type Out;

    /// Measures.
    fn measure(self, call: impl Call) -> Self::Out;
}

/// The output of a future that never waits, without a runtime, and without moving it about.
#[inline(always)]
pub fn at_once<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("a contender waited: this measures only what is at hand"),
    }
}
