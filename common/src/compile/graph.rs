//! Cycles among names that depend on names.

use std::collections::HashMap;

use indexmap::IndexMap;

/// The names that depend on themselves, over others or directly, in the order of the graph. Linear in its size, and without
/// recursion: Tarjan's strongly connected components.
pub(super) fn cyclic<'a>(graph: &IndexMap<&'a str, Vec<&'a str>>) -> Vec<&'a str> {
    let mut search = Search {
        edges: graph
            .values()
            .map(|names| {
                names
                    .iter()
                    .filter_map(|name| graph.get_index_of(name))
                    .collect()
            })
            .collect(),
        order: HashMap::new(),
        low: vec![0; graph.len()],
        stack: Vec::new(),
        on_stack: vec![false; graph.len()],
        cyclic: vec![false; graph.len()],
    };
    for node in 0..graph.len() {
        if !search.order.contains_key(&node) {
            search.from(node);
        }
    }
    graph
        .keys()
        .zip(search.cyclic)
        .filter(|(_, cyclic)| *cyclic)
        .map(|(name, _)| *name)
        .collect()
}

struct Search {
    edges: Vec<Vec<usize>>,
    /// When each node was met.
    order: HashMap<usize, usize>,
    /// The earliest node that each is known to reach.
    low: Vec<usize>,
    stack: Vec<usize>,
    on_stack: Vec<bool>,
    cyclic: Vec<bool>,
}

impl Search {
    fn from(&mut self, start: usize) {
        self.meet(start);
        let mut walk = vec![(start, 0)];
        while let Some((node, next)) = walk.pop() {
            match self.edges[node].get(next).copied() {
                Some(target) => {
                    walk.push((node, next + 1));
                    match self.order.get(&target) {
                        None => {
                            self.meet(target);
                            walk.push((target, 0));
                        }
                        Some(met) if self.on_stack[target] => {
                            self.low[node] = self.low[node].min(*met)
                        }
                        Some(_) => {}
                    }
                }
                None => {
                    self.leave(node);
                    if let Some((parent, _)) = walk.last() {
                        self.low[*parent] = self.low[*parent].min(self.low[node]);
                    }
                }
            }
        }
    }

    fn meet(&mut self, node: usize) {
        let now = self.order.len();
        self.order.insert(node, now);
        self.low[node] = now;
        self.stack.push(node);
        self.on_stack[node] = true;
    }

    /// Takes a component off the stack when its first node is left.
    fn leave(&mut self, node: usize) {
        if self.order.get(&node) != Some(&self.low[node]) {
            return;
        }
        let begin = self
            .stack
            .iter()
            .rposition(|member| *member == node)
            .unwrap_or(0);
        let component = self.stack.split_off(begin);
        let is_cycle = component.len() > 1 || self.edges[node].contains(&node);
        for member in component {
            self.on_stack[member] = false;
            self.cyclic[member] = is_cycle;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_reaches_itself_is_cyclic() {
        let graph: IndexMap<&str, Vec<&str>> = IndexMap::from([
            ("a", vec!["b"]),
            ("b", vec!["c", "d"]),
            ("c", vec!["b"]),
            ("d", vec![]),
            ("e", vec!["e"]),
            ("f", vec!["a", "missing"]),
        ]);
        assert_eq!(cyclic(&graph), ["b", "c", "e"]);
    }
}
