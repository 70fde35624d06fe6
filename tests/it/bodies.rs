//! Bodies (R27, F49): what the API receives the second time is the original, wherever the first attempt had got
//! to, or there is no second time.

mod handed_on;
mod hyper;
mod kept;
mod reqwest;
mod scripted;
mod splits;
mod uploads;
