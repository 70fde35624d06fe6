//! What can't be seen from outside: that the warm path is taken at all.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use super::*;

#[test]
fn what_is_in_hand_is_handed_out_without_the_lock() -> Result<(), Error> {
    let auth = Authenticator::new(Credentials::new("at")?);
    let Poll::Ready(held) = pin!(auth.acquire_for(None)).poll(&mut Context::from_waker(Waker::noop())) else {
        unreachable!("nothing to wait for");
    };
    let generation = held?.generation;
    assert_eq!(auth.try_acquire().map(|ticket| ticket.generation), Some(generation));
    Ok(())
}
