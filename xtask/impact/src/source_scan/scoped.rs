//! Names in nested scopes. Opening an inner scope is cheap, however many names are known.

use std::collections::HashMap;
use std::rc::Rc;

/// The known values of names in a scope and in the scopes around it.
pub(super) struct Scoped<V> {
    innermost: Rc<ScopeFrame<V>>,
}

struct ScopeFrame<V> {
    /// The names that this scope binds; `None` for a name that is unknown in this scope.
    own: HashMap<String, Option<V>>,
    outer: Option<Rc<Self>>,
}

impl<V> Scoped<V> {
    /// Returns a scope without an outer scope.
    pub(super) fn new(names: impl IntoIterator<Item = (String, V)>) -> Self {
        let own = names.into_iter().map(|(name, value)| (name, Some(value)));
        Self::opened(own.collect(), None)
    }

    /// Opens a scope inside this scope. Names bound in the inner scope are not known in this scope.
    pub(super) fn inner(&self) -> Self {
        Self::opened(HashMap::new(), Some(Rc::clone(&self.innermost)))
    }

    fn opened(own: HashMap<String, Option<V>>, outer: Option<Rc<ScopeFrame<V>>>) -> Self {
        Self {
            innermost: Rc::new(ScopeFrame { own, outer }),
        }
    }

    /// Returns the value of a name, if it is known.
    pub(super) fn get(&self, name: &str) -> Option<&V> {
        let mut scope = &self.innermost;
        loop {
            if let Some(value) = scope.own.get(name) {
                return value.as_ref();
            }
            scope = scope.outer.as_ref()?;
        }
    }

    /// Binds a name in this scope.
    pub(super) fn insert(&mut self, name: String, value: V) {
        self.set(name, Some(value));
    }

    /// Makes a name unknown in this scope.
    pub(super) fn remove(&mut self, name: &str) {
        if self.get(name).is_some() {
            self.set(name.to_owned(), None);
        }
    }

    fn set(&mut self, name: String, value: Option<V>) {
        match Rc::get_mut(&mut self.innermost) {
            Some(scope) => _ = scope.own.insert(name, value),
            // An inner scope is still open and must keep the values of the time when it was opened.
            None => {
                *self = Self::opened(HashMap::from([(name, value)]), Some(self.innermost.clone()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inner_scope_does_not_change_the_outer_scope() {
        let mut outer = Scoped::new([("a".to_owned(), 1), ("b".to_owned(), 2)]);
        let mut inner = outer.inner();
        inner.insert("a".to_owned(), 3);
        inner.remove("b");
        outer.insert("c".to_owned(), 4);
        let known = |names: &Scoped<i32>| ["a", "b", "c"].map(|it| names.get(it).copied());
        assert_eq!(known(&inner), [Some(3), None, None]);
        assert_eq!(known(&outer), [Some(1), Some(2), Some(4)]);
        drop(inner);
        outer.remove("a");
        assert_eq!(known(&outer.inner()), [None, Some(2), Some(4)]);
    }
}
