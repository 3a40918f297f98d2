//! Work on the parts of a list, on all processors at once.

use std::cell::Cell;
use std::num::NonZero;
use std::sync::OnceLock;
use std::thread;

use crate::observed::Observer;

thread_local! {
    static ALONE: Cell<bool> = const { Cell::new(false) };
}

/// Runs a function without starting threads for parts, since the other processors are busy.
pub fn alone<R>(act: impl FnOnce() -> R) -> R {
    let before = ALONE.replace(true);
    let done = act();
    ALONE.set(before);
    done
}

/// Splits a list into parts, calls `of` with each part on its own thread, and returns the results
/// in the order of the list. If the list is too short to be worth a thread, `of` is called once
/// with the whole list.
pub fn parts<T: Sync, R: Send>(list: &[T], of: impl Fn(&[T]) -> Vec<R> + Sync) -> Vec<R> {
    // Starting a thread costs as much as reading a few small files.
    const LEAST: usize = 32;
    const MOST_THREADS: usize = 8;
    let threads = match ALONE.get() {
        true => 1,
        false => processors().min(MOST_THREADS),
    };
    let size = list.len().div_ceil(threads).max(LEAST);
    if list.len() <= size {
        return of(list);
    }
    let of = &of;
    let observer = &Observer::current();
    thread::scope(|scope| {
        let (first, rest) = list.split_at(size);
        let others: Vec<_> = rest
            .chunks(size)
            .map(|part| {
                scope.spawn(move || match observer {
                    Some(observer) => observer.during(|| of(part)),
                    None => of(part),
                })
            })
            .collect();
        let mut all = of(first);
        for other in others {
            match other.join() {
                Ok(found) => all.extend(found),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        all
    })
}

/// Returns the number of processors. The system reads several files to find the number, so it is
/// asked once.
fn processors() -> usize {
    static PROCESSORS: OnceLock<usize> = OnceLock::new();
    *PROCESSORS.get_or_init(|| thread::available_parallelism().map_or(1, NonZero::get))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_in_the_order_of_the_list() {
        for length in [0, 1, 31, 32, 33, 1000, 1001] {
            let list: Vec<usize> = (0..length).collect();
            let doubled = parts(&list, |part| part.iter().map(|it| it * 2).collect());
            let expected: Vec<usize> = list.iter().map(|it| it * 2).collect();
            assert_eq!(doubled, expected);
        }
    }
}
