//! What the measuring programs share: the contenders, the requests they are given, and the tables.
//!
//! Nothing here allocates by a counter of its own: a program that counts allocations links the counting allocator
//! itself, so that times and instructions are those of the plain one.

pub mod call;
pub mod contenders;
pub mod counts;
pub mod fleet;
pub mod limits;
pub mod request;
pub mod rounds;
pub mod rows;
#[cfg(feature = "stampede")]
pub mod stampede;
pub mod svg;
pub mod table;

/// Whether the program was given this argument, which is the only one that it takes.
///
/// # Errors
///
/// It was given another one.
pub fn given(flag: &str) -> Result<bool, String> {
    let mut given = false;
    for argument in std::env::args().skip(1) {
        if argument != flag {
            return Err(format!("`{argument}` is not known here; there is only `{flag}`"));
        }
        given = true;
    }
    Ok(given)
}

/// The token that every contender sends: 1,000 bytes, about a JWT of an identity provider.
pub fn token() -> String {
    "reauth-benches/".chars().cycle().take(1000).collect()
}
