//! A cut tree as a snapshot holds it: points and cuts. Boxes, sizes and parents follow from them, and
//! would be three quarters of the text.

use serde::{Deserialize, Serialize};

use super::{Cut, CutTree, FEATURES, Node, Point};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Stored {
    root: Option<u32>,
    nodes: Vec<StoredNode>,
    free: Vec<u32>,
    leaves: Vec<u32>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredNode {
    Free,
    Leaf(u32, Point),
    Branch(Cut),
}

impl From<CutTree> for Stored {
    fn from(tree: CutTree) -> Self {
        let nodes = tree
            .nodes
            .iter()
            .map(|node| match node.cut {
                Some(cut) => StoredNode::Branch(cut),
                None if node.size == 0 => StoredNode::Free,
                None => StoredNode::Leaf(node.size, node.low),
            })
            .collect();
        Self { root: tree.root, nodes, free: tree.free, leaves: tree.leaves }
    }
}

impl TryFrom<Stored> for CutTree {
    type Error = String;

    fn try_from(stored: Stored) -> Result<Self, String> {
        let nodes = stored
            .nodes
            .iter()
            .map(|node| match node {
                StoredNode::Free => Node::empty(),
                StoredNode::Leaf(size, point) => Node { size: *size, ..Node::leaf(point, None) },
                StoredNode::Branch(cut) => Node { cut: Some(*cut), ..Node::empty() },
            })
            .collect::<Vec<_>>();
        let known = |i: &u32| (*i as usize) < nodes.len();
        if !stored.free.iter().chain(&stored.leaves).chain(&stored.root).all(known) {
            return Err("a cut tree points beyond its nodes: the snapshot is damaged".into());
        }
        let mut tree = Self { root: stored.root, nodes, free: stored.free, leaves: stored.leaves };
        if let Some(root) = tree.root {
            tree.rebuild(root)?;
        }
        Ok(tree)
    }
}

impl CutTree {
    /// Sizes, boxes and parents from the leaves up. A damaged snapshot could hold a circle, so each
    /// node may be come by once.
    fn rebuild(&mut self, root: u32) -> Result<(), String> {
        let damaged = || String::from("a cut tree is no tree: the snapshot is damaged");
        let mut order = vec![root];
        let mut next = 0;
        while let Some(&i) = order.get(next) {
            next += 1;
            let Some(cut) = self.node(i).cut else { continue };
            for child in [cut.left, cut.right] {
                let node = self.nodes.get_mut(child as usize).ok_or_else(damaged)?;
                if child == root || node.parent.is_some() || usize::from(cut.feature) >= FEATURES {
                    return Err(damaged());
                }
                node.parent = Some(i);
                order.push(child);
            }
        }
        for i in order.into_iter().rev() {
            let Some(cut) = self.node(i).cut else { continue };
            let (left, right) = (self.node(cut.left).clone(), self.node(cut.right).clone());
            let node = self.node_mut(i);
            node.size = left.size + right.size;
            (node.low, node.high) = (left.low, left.high);
            node.include(&right.low);
            node.include(&right.high);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use stats::stream::Stream;

    use super::*;

    #[test]
    fn a_damaged_snapshot_is_an_error_and_no_endless_loop() {
        let mut rng = Stream::named(1, "stored");
        let mut tree = CutTree::default();
        for i in 0..4 {
            tree.insert(&[f64::from(i); FEATURES], &mut rng);
        }
        let text = serde_json::to_string(&tree).expect("serialises");
        let root = tree.root.expect("four points");
        let cut = tree.node(root).cut.expect("a branch");
        for child in [root, 99] {
            let from = format!("\"left\":{},\"right\":{}", cut.left, cut.right);
            let to = format!("\"left\":{child},\"right\":{}", cut.right);
            let damaged = text.replace(&from, &to);
            assert_ne!(damaged, text);
            let error = serde_json::from_str::<CutTree>(&damaged).expect_err("refused");
            assert!(error.to_string().contains("damaged"), "{error}");
        }
    }
}
