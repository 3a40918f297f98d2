//! The walk through the token trees of a file: finds declarations, and guesses what a macro may
//! make of other tokens.

use std::collections::BTreeSet;

use super::calls::{add_attribute, add_call};
use super::scanner::Scanner;
use super::scope::{CodeOrigin, ModuleDirectory, TokenScope, dir_of};
use super::shapes::{
    Attribute, BUILT_IN_MACROS, INNER, ORDINARY_ATTRIBUTES, ORDINARY_MACROS, OUTER, QUOTING_MACROS,
    attribute_at, attribute_parts, made_text, may_name_module, number_text, starts_item,
};
use super::token_tree::{Delimiter, TokenGroup, TokenStream, TokenTree};
use super::tokens::{group, is_ident, is_punct, macro_call, name, split_commas, string_value};
use super::{DoubtKind, SourceDoubt, condition};
use crate::paths::normalized;

impl Scanner<'_> {
    pub(super) fn walk(&mut self, tokens: &[TokenTree], scope: &TokenScope<'_>) {
        let mut attributes: Vec<Attribute> = Vec::new();
        let mut in_function = false;
        let mut at = 0;
        while at < tokens.len() {
            let (before, rest) = tokens.split_at(at);
            if let Some((body, length)) = attribute_at(rest) {
                let parts = self.attribute_parts(body, scope);
                let is_left_out = self.leaves_out(&parts, scope);
                at += length;
                if is_left_out && length == INNER {
                    return;
                } else if is_left_out {
                    at += condition::length(&tokens[at..]);
                    attributes.clear();
                    continue;
                }
                self.attributes(&parts, scope);
                self.attribute_words(&parts, &tokens[at..], scope);
                if length == OUTER {
                    attributes.extend(parts);
                }
                continue;
            }
            at += match rest {
                [keyword, after @ ..] if is_ident(keyword, "mod") => {
                    1 + self.module(after, &attributes, scope)
                }
                _ => match macro_call(rest) {
                    Some((called, arguments, length)) => {
                        let starts_item = scope.items && starts_item(before);
                        self.call(&called, arguments, &attributes, starts_item, scope);
                        length
                    }
                    None => {
                        self.token(before, rest, in_function, scope);
                        1
                    }
                },
            };
            let last = &tokens[at - 1];
            in_function |= is_ident(last, "fn");
            if is_punct(last, ';') || group(last, Delimiter::Brace).is_some() {
                attributes.clear();
                in_function = false;
            }
        }
    }

    /// Returns the attributes in the body of an attribute. Conditions are evaluated only in written
    /// code: a macro may move attributes among its tokens to other places.
    fn attribute_parts(&self, body: &TokenGroup, scope: &TokenScope<'_>) -> Vec<Attribute> {
        let body = body.stream();
        match scope.origin {
            CodeOrigin::Written => condition::attributes(body, self.holds),
            _ => attribute_parts(body, false),
        }
    }

    /// Returns true if attributes remove the item that follows them. Attributes among the tokens of
    /// a macro never do, because the macro may move or drop them.
    fn leaves_out(&self, attributes: &[Attribute], scope: &TokenScope<'_>) -> bool {
        scope.origin == CodeOrigin::Written && condition::leave_out(attributes, self.holds)
    }

    /// Reads the tokens after the keyword `mod`. Returns the number of tokens read.
    fn module(
        &mut self,
        after: &[TokenTree],
        attributes: &[Attribute],
        scope: &TokenScope<'_>,
    ) -> usize {
        match after {
            [dollar, TokenTree::Ident(made), end, ..]
                if is_punct(dollar, '$') && is_punct(end, ';') =>
            {
                self.doubt(DoubtKind::MacroMadeModule, format!("mod ${made};"), scope);
                3
            }
            [ident, end, ..] if is_punct(end, ';') => {
                let Some(name) = name(ident) else { return 0 };
                self.file_module(name, attributes, scope);
                2
            }
            [ident, TokenTree::Group(body), ..] if body.delimiter() == Delimiter::Brace => {
                let Some(name) = name(ident) else { return 0 };
                self.inline_module(name, attributes, body.stream(), scope);
                2
            }
            _ => 0,
        }
    }

    fn file_module(&mut self, name: &str, attributes: &[Attribute], scope: &TokenScope<'_>) {
        self.declared_in(scope);
        let paths = self.paths(attributes, scope);
        let mut found = false;
        let mut absent = Vec::new();
        for place in scope.places {
            for (path, _) in &paths {
                let file = normalized(&place.attribute_dir.join(path));
                // The file may also exist below the unnormalized path: after a symbolic link, `..`
                // leads to another directory.
                let linked = place.attribute_dir.join(path);
                let taken = [&file, &linked]
                    .map(|file| self.take_module(file.clone(), ModuleDirectory::of_owner(file)));
                match taken.contains(&true) {
                    true => found = true,
                    false => absent.push(file),
                }
            }
            if paths.iter().all(|(_, conditional)| *conditional) {
                let candidates = place.candidates(name);
                let files = candidates.clone().map(|(file, _)| file);
                let taken = candidates.map(|(file, place)| self.take_module(file, place));
                match taken.contains(&true) {
                    true => found = true,
                    false => absent.extend(files),
                }
            }
        }
        let reason = format!("mod {name};");
        let declaration = SourceDoubt::new(scope.file, DoubtKind::MacroMadeModule, reason);
        match scope.origin {
            CodeOrigin::Written => self.found.missing.extend(absent),
            CodeOrigin::Definition { exported: true } => self.found.doubts.push(declaration),
            CodeOrigin::Replay if found => _ = self.placed.insert(name.to_owned()),
            CodeOrigin::Arguments | CodeOrigin::Definition { .. } if !found => {
                self.unplaced.push((name.to_owned(), absent, declaration));
            }
            _ => {}
        }
    }

    /// Walks an inline module. Its `#[path]` names a directory. In a block, only `#[path]` can name
    /// the file of a module, and rustc then leaves out the directory of a file that is not a
    /// `mod.rs`. The scan cannot tell a block from the braces of a macro, so it takes both
    /// directories.
    fn inline_module(
        &mut self,
        name: &str,
        attributes: &[Attribute],
        body: &[TokenTree],
        scope: &TokenScope<'_>,
    ) {
        let mut attributes = attributes.to_vec();
        let mut rest = body;
        while let Some((inner, length @ INNER)) = attribute_at(rest) {
            attributes.extend(self.attribute_parts(inner, scope));
            rest = &rest[length..];
        }
        let paths = self.paths(&attributes, scope);
        let mut places = BTreeSet::new();
        for place in scope.places {
            let dirs = paths.iter().map(|(path, _)| place.attribute_dir.join(path));
            places.extend(dirs.map(|dir| ModuleDirectory::flat(normalized(&dir))));
            if paths.iter().all(|(_, conditional)| *conditional) {
                places.insert(ModuleDirectory::flat(place.module_dir.join(name)));
                if !scope.items {
                    places.insert(ModuleDirectory::flat(place.attribute_dir.join(name)));
                }
            }
        }
        if scope.origin != CodeOrigin::Replay {
            let places = places.iter().cloned();
            let sites = places.map(|place| (scope.file.to_owned(), place));
            self.call_sites.extend(sites);
        }
        let places: Vec<ModuleDirectory> = places.into_iter().collect();
        let inside = TokenScope {
            places: &places,
            items: true,
            names: false,
            literals: false,
            ..*scope
        };
        self.walk(body, &inside);
    }

    fn call(
        &mut self,
        called: &str,
        arguments: &TokenGroup,
        attributes: &[Attribute],
        starts_item: bool,
        scope: &TokenScope<'_>,
    ) {
        let ordinary = ORDINARY_MACROS.contains(&called);
        let mut inside = TokenScope {
            items: starts_item,
            names: false,
            literals: false,
            ..*scope
        };
        match called {
            "macro_rules" if scope.origin != CodeOrigin::Replay => {
                let exported = attributes
                    .iter()
                    .any(|attribute| attribute.is("macro_export"));
                let before = self.declared_in_definitions;
                inside.origin = CodeOrigin::Definition { exported };
                self.walk(arguments.stream(), &inside);
                if self.declared_in_definitions > before {
                    self.definitions.push(arguments.stream().clone());
                }
                return;
            }
            "cfg_if" if scope.origin == CodeOrigin::Written => {
                self.found.calls_macros = true;
                let tokens = arguments.stream();
                if let Some(branches) = condition::branches(tokens, self.holds) {
                    let walk = |branch: &TokenGroup| self.walk(branch.stream(), scope);
                    return branches.into_iter().for_each(walk);
                }
                inside.names = starts_item;
                inside.literals = true;
            }
            "include" | "include_str" | "include_bytes" => self.include(called, arguments, scope),
            "env" | "option_env" => return self.variable(called, arguments, scope),
            _ if QUOTING_MACROS.contains(&called) => return,
            _ => {
                self.found.calls_macros |= !BUILT_IN_MACROS.contains(&called);
                if !ordinary && scope.origin != CodeOrigin::Replay {
                    add_call(&mut self.found.calls, called, arguments.stream());
                }
                inside.names = starts_item && !ordinary;
                inside.literals = !ordinary;
            }
        }
        if scope.origin == CodeOrigin::Written {
            inside.origin = CodeOrigin::Arguments;
        }
        self.walk(arguments.stream(), &inside);
    }

    fn include(&mut self, called: &str, arguments: &TokenGroup, scope: &TokenScope<'_>) {
        let tokens = arguments.stream();
        let path = match made_text(split_commas(tokens).next(), &self.manifest_dir) {
            Ok(Some(text)) => text,
            Ok(None) => {
                self.found.generated = true;
                return;
            }
            Err(kind) => {
                let reason = format!("{called}!({})", arguments.stream());
                return self.doubt(kind, reason, scope);
            }
        };
        let file = normalized(&dir_of(scope.file).join(&path));
        self.declared_in(scope);
        if scope.origin == (CodeOrigin::Definition { exported: true }) {
            let reason = format!("{called}!({path:?}) is relative to the callers of the macro");
            self.doubt(DoubtKind::MacroMadePath, reason, scope);
        }
        if scope.origin == CodeOrigin::Replay && self.text(&file).is_none() {
            return;
        }
        self.found.included.insert(file.clone());
        // The file may also exist below the unnormalized path: after a symbolic link, `..` leads to
        // another directory.
        let linked = dir_of(scope.file).join(&path);
        if linked != file && self.text(&linked).is_some() {
            self.found.included.insert(linked);
        }
        if called == "include" {
            let place = ModuleDirectory::of_owner(&file);
            self.enqueue(file, place);
        }
    }

    fn variable(&mut self, called: &str, arguments: &TokenGroup, scope: &TokenScope<'_>) {
        let tokens = arguments.stream();
        match made_text(split_commas(tokens).next(), &self.manifest_dir) {
            Ok(Some(variable)) => _ = self.found.env.insert(variable),
            _ => {
                let reason = format!("{called}!({})", arguments.stream());
                self.doubt(DoubtKind::UnknownEnv, reason, scope);
            }
        }
    }

    fn attributes(&mut self, parts: &[Attribute], scope: &TokenScope<'_>) {
        for part in parts {
            self.found.calls_macros |= !part.is_built_in();
            // A path among the arguments of a macro may be for a module that the macro makes.
            let made_path = part.is("path") && scope.origin == CodeOrigin::Arguments;
            let ordinary = ORDINARY_ATTRIBUTES.iter().any(|name| part.is(name));
            let literals = made_path || !ordinary;
            let scope = TokenScope {
                items: false,
                names: false,
                literals,
                ..*scope
            };
            self.walk(&part.tokens, &scope);
        }
    }

    /// Adds the words of attributes of other crates, and of the item below them.
    fn attribute_words(&mut self, parts: &[Attribute], rest: &[TokenTree], scope: &TokenScope<'_>) {
        if scope.origin == CodeOrigin::Replay {
            return;
        }
        for part in parts.iter().filter(|part| !part.is_built_in()) {
            add_attribute(&mut self.found.calls, part, rest);
        }
    }

    /// Returns the paths in `#[path]` attributes of a module, each with true if it depends on a
    /// condition.
    fn paths(&mut self, attributes: &[Attribute], scope: &TokenScope<'_>) -> Vec<(String, bool)> {
        let mut paths = Vec::new();
        for attribute in attributes.iter().filter(|it| it.is("path")) {
            match &attribute.tokens[..] {
                [_, equals, value] if is_punct(equals, '=') => {
                    paths.extend(string_value(value).map(|value| (value, attribute.conditional)));
                }
                [_, equals, made @ ..] if is_punct(equals, '=') => {
                    let made: TokenStream = made.iter().cloned().collect();
                    let reason = format!("#[path = {made}]");
                    self.doubt(DoubtKind::MacroMadeModule, reason, scope);
                }
                _ => {}
            }
        }
        paths
    }

    /// Handles a token that is not part of a module, a call or an attribute: walks into a group, or
    /// guesses what an unknown macro may mean by the token.
    fn token(
        &mut self,
        before: &[TokenTree],
        rest: &[TokenTree],
        in_function: bool,
        scope: &TokenScope<'_>,
    ) {
        let [token, after @ ..] = rest else { return };
        if let TokenTree::Group(group) = token {
            let inside = TokenScope {
                items: scope.items && scope.origin != CodeOrigin::Written && !in_function,
                names: scope.names && !in_function,
                literals: scope.literals && !in_function,
                ..*scope
            };
            self.walk(group.stream(), &inside);
        } else if scope.literals
            && let Some(text) = string_value(token)
        {
            self.guess_file(&text, scope);
        } else if scope.literals
            && let Some(number) = number_text(token)
        {
            self.found.passed_to_macros.insert(number);
        } else if scope.names && may_name_module(before.last(), after.first()) {
            self.guess_module(token, scope);
        }
    }

    fn guess_module(&mut self, token: &TokenTree, scope: &TokenScope<'_>) {
        // The name of a module alone never leads to `lib.rs`, `main.rs` or `mod.rs`.
        let Some(name) = name(token).filter(|name| !["lib", "main", "mod"].contains(&&**name))
        else {
            return;
        };
        self.found.passed_to_macros.insert(name.to_owned());
        let places = scope.places.iter();
        for (file, place) in places.flat_map(|place| place.candidates(name)) {
            self.take_module(file, place);
        }
    }

    fn guess_file(&mut self, text: &str, scope: &TokenScope<'_>) {
        if text.is_empty() || text.contains(['\n', '{', '\0']) {
            return;
        }
        // Prose and single punctuation characters name no file.
        if text.contains(char::is_alphanumeric) && !text.contains(' ') || text == "." {
            self.found.passed_to_macros.insert(text.to_owned());
        }
        // Macros join such paths to the directory of the manifest.
        let tail = text.strip_prefix("$CARGO_MANIFEST_DIR").unwrap_or(text);
        let in_package = self.manifest_dir.join(tail.trim_start_matches('/'));
        for path in [dir_of(scope.file).join(text), in_package] {
            let file = normalized(&path);
            if self.text(&file).is_none() {
                continue;
            }
            self.found.included.insert(file.clone());
            // The macro may include a file with another extension as code.
            let is_code = match file.extension() {
                Some("rs") => true,
                Some("in" | "inc") => self
                    .text(&file)
                    .is_some_and(|it| it.declaring_tokens().is_some()),
                _ => false,
            };
            if is_code {
                let place = ModuleDirectory::of_owner(&file);
                self.take_module(file, place);
            }
        }
    }

    fn declared_in(&mut self, scope: &TokenScope<'_>) {
        if matches!(scope.origin, CodeOrigin::Definition { .. }) {
            self.declared_in_definitions += 1;
        }
    }

    fn doubt(&mut self, kind: DoubtKind, reason: String, scope: &TokenScope<'_>) {
        if scope.origin != CodeOrigin::Replay {
            self.found
                .doubts
                .push(SourceDoubt::new(scope.file, kind, reason));
        }
    }
}
