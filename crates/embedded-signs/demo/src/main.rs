//! Shows a sign in a terminal: `sign-demo 07:05 3` is for 07:05 and a delay of three minutes.

use std::error::Error;

use daytime::{Daytime, Span};
use sign::Next;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let now: Daytime = arguments.next().ok_or("the time is missing")?.parse()?;
    let next = match arguments.next() {
        Some(minutes) => Next::Late(Span::minutes(minutes.parse()?)),
        None => Next::Cancelled,
    };
    for line in sign::show(now, next) {
        println!("{line}");
    }
    Ok(())
}
