//! What a wait that was dropped leaves behind, and what one finds that is woken.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Wake;

use super::*;

struct Task;

impl Wake for Task {
    fn wake(self: Arc<Self>) {}
}

#[test]
fn a_wait_that_was_dropped_leaves_nothing_behind() {
    let (waiters, task) = (Waiters::new(1), Arc::new(Task));
    {
        let waker = Waker::from(task.clone());
        let mut context = Context::from_waker(&waker);
        let (mut first, mut second) = (pin!(waiters.clone().wait()), pin!(waiters.clone().wait()));
        // Polled again, a wait still has one waker there.
        for _ in 0..3 {
            assert!(first.as_mut().poll(&mut context).is_pending());
            assert!(second.as_mut().poll(&mut context).is_pending());
        }
        assert_eq!(Arc::strong_count(&task), 4, "the test's own two, and one for each wait");
    }
    // However long the flight goes on, nothing keeps the task of a caller that went away.
    assert_eq!(Arc::strong_count(&task), 1);
}

/// Looks at the waiters in the moment it is woken, as an executor may that runs the waiter here and now.
struct Looks(Arc<Waiters>, AtomicBool);

impl Wake for Looks {
    fn wake(self: Arc<Self>) {
        let mut context = Context::from_waker(Waker::noop());
        let woken = pin!(self.0.clone().wait()).poll(&mut context);
        self.1.store(matches!(woken, Poll::Ready(Woken::Ended(Ok(())))), Ordering::Relaxed);
    }
}

#[test]
fn f14_who_is_woken_finds_the_flight_over() {
    let waiters = Waiters::new(1);
    let looks = Arc::new(Looks(waiters.clone(), AtomicBool::new(false)));
    let mut wait = pin!(waiters.clone().wait());
    let waker = Waker::from(looks.clone());
    assert!(wait.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    waiters.finish(Ok(()));
    assert!(looks.1.load(Ordering::Relaxed));
}

#[test]
fn r08_a_caller_that_comes_after_a_nudge_is_nudged_once() {
    let waiters = Waiters::new(1);
    waiters.nudge();
    let mut context = Context::from_waker(Waker::noop());
    let mut wait = pin!(waiters.clone().wait());
    assert!(matches!(wait.as_mut().poll(&mut context), Poll::Ready(Woken::Nudged)));
    assert!(wait.as_mut().poll(&mut context).is_pending());
    waiters.finish(Ok(()));
    assert!(matches!(wait.as_mut().poll(&mut context), Poll::Ready(Woken::Ended(Ok(())))));
}
