//! `one CONTENDER COUNT`: sends COUNT requests and says nothing. For a profiler, or to count instructions. The contenders
//! have the names of the report: `tower/reauth-replay/typical`, `reqwest/floor/bare`.

use std::env;

use reauth_benches::call::{Call, Measure};
use reauth_benches::rows::Row;

struct Send(usize);

impl Measure for Send {
    type Out = ();

    fn measure(self, mut call: impl Call) {
        call.times(self.0);
    }
}

fn main() -> Result<(), String> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [name, count] = arguments.as_slice() else {
        return Err("one CONTENDER COUNT, such as one tower/reauth-replay/typical 1000".into());
    };
    let count = count.parse().map_err(|_| format!("`{count}` is no count"))?;
    Row::named(name)?.measure(Send(count));
    Ok(())
}
