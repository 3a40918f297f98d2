//! Names in nested scopes. An inner scope costs nothing to open, however many names are known.

use std::collections::HashMap;
use std::rc::Rc;

/// What is known of names in a scope and in the scopes around it.
pub(super) struct Scoped<V> {
    innermost: Rc<ScopeFrame<V>>,
}

struct ScopeFrame<V> {
    /// Nothing for a name that this scope hides.
    own: HashMap<String, Option<V>>,
    outer: Option<Rc<Self>>,
}

impl<V> Scoped<V> {
    /// A scope without another one around it.
    pub(super) fn new(names: impl IntoIterator<Item = (String, V)>) -> Self {
        let own = names.into_iter().map(|(name, value)| (name, Some(value)));
        Self::opened(own.collect(), None)
    }

    /// Opens a scope in this one. What is bound in there is not known here.
    pub(super) fn inner(&self) -> Self {
        Self::opened(HashMap::new(), Some(Rc::clone(&self.innermost)))
    }

    fn opened(own: HashMap<String, Option<V>>, outer: Option<Rc<ScopeFrame<V>>>) -> Self {
        Self {
            innermost: Rc::new(ScopeFrame { own, outer }),
        }
    }

    /// Returns what is known of a name.
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

    /// Forgets a name in this scope.
    pub(super) fn remove(&mut self, name: &str) {
        if self.get(name).is_some() {
            self.set(name.to_owned(), None);
        }
    }

    fn set(&mut self, name: String, value: Option<V>) {
        match Rc::get_mut(&mut self.innermost) {
            Some(scope) => _ = scope.own.insert(name, value),
            // An inner scope is still open, and keeps what was known when it was opened.
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
    fn an_inner_scope_changes_nothing_around_it() {
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
