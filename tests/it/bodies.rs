//! Bodies (R27, F49): the second attempt sends the original, however far the first had got; or there is no second
//! attempt.

mod handed_on;
mod hyper;
mod kept;
mod reqwest;
mod scripted;
mod splits;
mod uploads;
