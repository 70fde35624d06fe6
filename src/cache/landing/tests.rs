//! What a wait that was dropped leaves behind.

use std::pin::pin;
use std::task::Wake;

use super::*;

struct Task;

impl Wake for Task {
    fn wake(self: Arc<Self>) {}
}

#[test]
fn a_wait_that_was_dropped_leaves_nothing_behind() {
    let (landing, task) = (Landing::new(1), Arc::new(Task));
    {
        let waker = Waker::from(task.clone());
        let mut context = Context::from_waker(&waker);
        let (mut first, mut second) = (pin!(landing.clone().wait()), pin!(landing.clone().wait()));
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
