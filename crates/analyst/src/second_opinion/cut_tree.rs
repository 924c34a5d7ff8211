//! One robust random cut tree: points in, points out, and how much a point would displace.
//!
//! **Method.** Guha, Mishra, Roy and Schrijvers 2016 ("Robust random cut forest based anomaly detection
//! on streams"). A cut picks a dimension with probability proportional to its range and a uniform value in
//! it. Insertion draws a cut of the box that would hold the newcomer too: if it parts the two, the newcomer
//! becomes a sibling there, else it goes down the node's own cut. Deletion puts the sibling in the
//! parent's place. **Guarantee** (their theorems 3 and 4): after any insertions and deletions the tree is
//! distributed as if grown from its points alone; a test checks it for the first cut.
//!
//! The score is the collusive displacement: over the node's ancestors, the largest ratio of the size of a
//! sibling to the size of the subtree that would leave with the point. It is computed without inserting,
//! by drawing where the point *would* go. **Cost**: depth times dimensions, and `O(n)` memory.

mod stored;

use serde::{Deserialize, Serialize};
use stats::stream::Stream;

use super::features::{FEATURES, Point};
use stored::Stored;

/// Points with their cuts; equal points share a leaf.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub(super) struct CutTree {
    root: Option<u32>,
    nodes: Vec<Node>,
    /// Places in `nodes` that are free again.
    free: Vec<u32>,
    /// The leaf of each point, in no order; a leaf of three equal points is here three times.
    leaves: Vec<u32>,
}

#[derive(Clone, Debug, PartialEq)]
struct Node {
    parent: Option<u32>,
    /// Points below, equal ones counted each.
    size: u32,
    low: Point,
    high: Point,
    cut: Option<Cut>,
}

/// What a branch has and a leaf hasn't: values up to `at` are left.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Cut {
    feature: u8,
    at: f64,
    left: u32,
    right: u32,
}

/// Where a newcomer goes.
enum Place {
    /// Into this leaf, which equals it.
    Same(u32),
    /// Beside this node, parted from it by the cut.
    Beside(u32, usize, f64),
}

/// How much a point would displace, and the feature whose cut says so.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Displacement {
    pub(super) ratio: f64,
    pub(super) feature: usize,
}

impl CutTree {
    pub(super) fn len(&self) -> usize {
        self.leaves.len()
    }

    /// What the point would displace if it were inserted with these draws.
    pub(super) fn displacement(&self, point: &Point, rng: &mut Stream) -> Displacement {
        let mut most = Displacement { ratio: 0.0, feature: 0 };
        let mut consider = |ratio: f64, feature: usize| {
            if ratio > most.ratio {
                most = Displacement { ratio, feature };
            }
        };
        let place = self.descend(point, rng, |node, sibling, feature| {
            consider(f64::from(self.size(sibling)) / f64::from(self.size(node) + 1), feature);
        });
        if let Some(Place::Beside(node, feature, _)) = place {
            consider(f64::from(self.size(node)), feature);
        }
        most
    }

    /// Adds a point.
    pub(super) fn insert(&mut self, point: &Point, rng: &mut Stream) {
        let leaf = match self.descend(point, rng, |_, _, _| ()) {
            None => {
                let leaf = self.add(Node::leaf(point, None));
                self.root = Some(leaf);
                leaf
            }
            Some(Place::Same(leaf)) => {
                self.node_mut(leaf).size += 1;
                self.grow_above(leaf, point);
                leaf
            }
            Some(Place::Beside(node, feature, at)) => {
                let parent = self.node(node).parent;
                let leaf = self.add(Node::leaf(point, None));
                let left_is_new = point[feature] <= at;
                let (left, right) = if left_is_new { (leaf, node) } else { (node, leaf) };
                let mut branch = Node {
                    parent,
                    cut: Some(Cut { feature: feature as u8, at, left, right }),
                    ..self.node(node).clone()
                };
                branch.include(point);
                branch.size += 1;
                let branch = self.add(branch);
                self.replace_child(parent, node, branch);
                self.node_mut(node).parent = Some(branch);
                self.node_mut(leaf).parent = Some(branch);
                self.grow_above(branch, point);
                leaf
            }
        };
        self.leaves.push(leaf);
    }

    /// Takes one point out, each as likely as any other.
    pub(super) fn delete_random(&mut self, rng: &mut Stream) {
        if self.leaves.is_empty() {
            return;
        }
        let leaf = self.leaves.swap_remove(rng.below(self.leaves.len() as u64) as usize);
        if self.size(leaf) > 1 {
            self.node_mut(leaf).size -= 1;
            self.shrink_above(leaf);
            return;
        }
        let Some(parent) = self.node(leaf).parent else {
            self.root = None;
            self.release(leaf);
            return;
        };
        let cut = self.node(parent).cut.expect("a parent is a branch");
        let sibling = if cut.left == leaf { cut.right } else { cut.left };
        let above = self.node(parent).parent;
        self.node_mut(sibling).parent = above;
        self.replace_child(above, parent, sibling);
        self.release(leaf);
        self.release(parent);
        self.shrink_above(sibling);
    }

    /// Goes down with the newcomer and says where it ends; tells `passed` each (child taken, its
    /// sibling, feature of the cut between them).
    fn descend(
        &self,
        point: &Point,
        rng: &mut Stream,
        mut passed: impl FnMut(u32, u32, usize),
    ) -> Option<Place> {
        let mut at = self.root?;
        loop {
            let node = self.node(at);
            if let Some((feature, value)) = node.parting_cut(point, rng) {
                return Some(Place::Beside(at, feature, value));
            }
            let Some(cut) = node.cut else { return Some(Place::Same(at)) };
            let feature = usize::from(cut.feature);
            let goes_left = point[feature] <= cut.at;
            let (child, sibling) =
                if goes_left { (cut.left, cut.right) } else { (cut.right, cut.left) };
            passed(child, sibling, feature);
            at = child;
        }
    }

    fn grow_above(&mut self, from: u32, point: &Point) {
        let mut above = self.node(from).parent;
        while let Some(i) = above {
            let node = self.node_mut(i);
            node.size += 1;
            node.include(point);
            above = node.parent;
        }
    }

    fn shrink_above(&mut self, from: u32) {
        let mut above = self.node(from).parent;
        while let Some(i) = above {
            let cut = self.node(i).cut.expect("a parent is a branch");
            let (left, right) = (self.node(cut.left), self.node(cut.right));
            let mut low = left.low;
            let mut high = left.high;
            for f in 0..FEATURES {
                low[f] = low[f].min(right.low[f]);
                high[f] = high[f].max(right.high[f]);
            }
            let node = self.node_mut(i);
            node.size -= 1;
            (node.low, node.high) = (low, high);
            above = node.parent;
        }
    }

    fn replace_child(&mut self, parent: Option<u32>, old: u32, by: u32) {
        let Some(parent) = parent else {
            self.root = Some(by);
            return;
        };
        let cut = self.node_mut(parent).cut.as_mut().expect("a parent is a branch");
        if cut.left == old {
            cut.left = by;
        } else {
            cut.right = by;
        }
    }

    fn add(&mut self, node: Node) -> u32 {
        match self.free.pop() {
            Some(i) => {
                self.nodes[i as usize] = node;
                i
            }
            None => {
                self.nodes.push(node);
                (self.nodes.len() - 1) as u32
            }
        }
    }

    /// Emptied as well, so that equal trees are equal bit for bit after a snapshot too.
    fn release(&mut self, i: u32) {
        *self.node_mut(i) = Node::empty();
        self.free.push(i);
    }

    fn size(&self, i: u32) -> u32 {
        self.node(i).size
    }

    fn node(&self, i: u32) -> &Node {
        &self.nodes[i as usize]
    }

    fn node_mut(&mut self, i: u32) -> &mut Node {
        &mut self.nodes[i as usize]
    }
}

impl Node {
    fn empty() -> Self {
        Self { size: 0, ..Self::leaf(&[0.0; FEATURES], None) }
    }

    fn leaf(point: &Point, parent: Option<u32>) -> Self {
        Self { parent, size: 1, low: *point, high: *point, cut: None }
    }

    fn include(&mut self, point: &Point) {
        for (f, value) in point.iter().enumerate() {
            self.low[f] = self.low[f].min(*value);
            self.high[f] = self.high[f].max(*value);
        }
    }

    /// Draws a cut of the box that holds this node and the point; returned only if it parts them.
    fn parting_cut(&self, point: &Point, rng: &mut Stream) -> Option<(usize, f64)> {
        let low: Point = core::array::from_fn(|f| self.low[f].min(point[f]));
        let high: Point = core::array::from_fn(|f| self.high[f].max(point[f]));
        if low == self.low && high == self.high {
            // Inside the box no cut parts them; a leaf has no inside but itself.
            return None;
        }
        let total: f64 = (0..FEATURES).map(|f| high[f] - low[f]).sum();
        let parts = |f: usize, at: f64| {
            (point[f] <= at && at < self.low[f]) || (self.high[f] <= at && at < point[f])
        };
        let mut rest = rng.uniform() * total;
        for f in 0..FEATURES {
            let range = high[f] - low[f];
            if rest < range {
                let at = low[f] + rest;
                if parts(f, at) {
                    return Some((f, at));
                }
                break;
            }
            rest -= range;
        }
        if self.cut.is_some() {
            return None;
        }
        // A point and a leaf are always parted; only rounding at an edge comes here.
        (0..FEATURES).find(|f| parts(*f, low[*f])).map(|f| (f, low[f]))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Checks what must hold of every tree, and returns the points below a node.
    fn check(tree: &CutTree, i: u32, parent: Option<u32>) -> Vec<Point> {
        let node = tree.node(i);
        assert_eq!(node.parent, parent);
        let points = match node.cut {
            None => {
                assert_eq!(node.low, node.high);
                vec![node.low; node.size as usize]
            }
            Some(cut) => {
                let f = usize::from(cut.feature);
                let left = check(tree, cut.left, Some(i));
                let right = check(tree, cut.right, Some(i));
                assert!(left.iter().all(|p| p[f] <= cut.at), "left of the cut");
                assert!(right.iter().all(|p| p[f] > cut.at), "right of the cut");
                [left, right].concat()
            }
        };
        assert_eq!(node.size as usize, points.len());
        for f in 0..FEATURES {
            let low = points.iter().map(|p| p[f]).fold(f64::INFINITY, f64::min);
            let high = points.iter().map(|p| p[f]).fold(f64::NEG_INFINITY, f64::max);
            assert_eq!((node.low[f], node.high[f]), (low, high), "the box is tight");
        }
        points
    }

    fn check_all(tree: &CutTree) {
        let points = tree.root.map_or_else(Vec::new, |root| check(tree, root, None));
        assert_eq!(points.len(), tree.len());
        let branches = tree.nodes.len() - tree.free.len();
        assert!(branches <= 2 * tree.len(), "no node is lost");
    }

    proptest! {
        #[test]
        fn any_insertions_and_deletions_keep_the_tree_whole(
            seed in any::<u64>(),
            steps in prop::collection::vec((0_u8..3, prop::array::uniform5(-3_i8..3)), 1..120),
        ) {
            let mut rng = Stream::named(seed, "cut tree");
            let mut tree = CutTree::default();
            for (what, coordinates) in steps {
                // Few distinct values: equal points and flat dimensions are what breaks trees.
                if what == 0 {
                    tree.delete_random(&mut rng);
                } else {
                    tree.insert(&coordinates.map(f64::from), &mut rng);
                }
                check_all(&tree);
            }
            let text = serde_json::to_string(&tree).expect("serialises");
            let again: CutTree = serde_json::from_str(&text).expect("parses");
            prop_assert_eq!(again, tree);
        }

        #[test]
        fn the_score_is_what_insertion_would_show(
            seed in any::<u64>(),
            points in prop::collection::vec(prop::array::uniform5(-9_i8..9), 1..60),
        ) {
            let mut rng = Stream::named(seed, "cut tree");
            let mut tree = CutTree::default();
            for coordinates in points {
                let point = coordinates.map(f64::from);
                let before = tree.displacement(&point, &mut rng.clone());
                tree.insert(&point, &mut rng);
                let mut node = *tree.leaves.last().expect("inserted");
                let mut most = 0.0_f64;
                while let Some(parent) = tree.node(node).parent {
                    let sibling = tree.size(parent) - tree.size(node);
                    most = most.max(f64::from(sibling) / f64::from(tree.size(node)));
                    node = parent;
                }
                prop_assert_eq!(before.ratio, most);
            }
        }
    }

    /// Theorems 3 and 4 at the root: whatever came and went, the first cut falls on a dimension as often
    /// as its share of the ranges of what is left.
    #[test]
    fn the_first_cut_forgets_what_was_deleted() {
        const TREES: u64 = 4_000;
        let stays =
            [[0.0, 0.0, 0.0, 0.0, 0.0], [6.0, 1.0, 0.0, 0.0, 0.0], [3.0, 3.0, 0.0, 0.0, 0.0]];
        let leaves = [50.0; FEATURES];
        let mut on_first = 0_u32;
        for seed in 0..TREES {
            let mut rng = Stream::named(seed, "cut tree");
            let mut tree = CutTree::default();
            tree.insert(&leaves, &mut rng);
            for point in stays {
                tree.insert(&point, &mut rng);
            }
            // Delete until the far point goes; put back what went by mistake.
            while tree.root.is_some_and(|r| tree.node(r).high[4] > 0.0) {
                let had: Vec<Point> = tree.leaves.iter().map(|l| tree.node(*l).low).collect();
                tree.delete_random(&mut rng);
                let gone =
                    had.iter().find(|p| !tree.leaves.iter().any(|l| tree.node(*l).low == **p));
                if let Some(gone) = gone.filter(|p| **p != leaves) {
                    tree.insert(gone, &mut rng);
                }
            }
            let root = tree.node(tree.root.expect("three points"));
            assert_eq!(root.size, 3);
            on_first += u32::from(root.cut.expect("a branch").feature == 0);
        }
        // Ranges 6 and 3.
        let share = f64::from(on_first) / TREES as f64;
        assert!((share - 2.0 / 3.0).abs() < 0.023, "{share}: beyond three standard errors");
    }
}
