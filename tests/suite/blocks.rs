//! Markdown as tests: a heading is a test, its fenced blocks are what goes in and what must come out. Blocks are
//! rewritten in place, so every other line of a file stays as its author wrote it.

/// One fenced block.
#[derive(Clone, Debug)]
pub struct Block {
    /// The word behind the fence: `kql`, `table`, …
    pub kind: String,
    pub text: String,
    /// Lines of the file, from the one behind the opening fence to the closing one.
    pub lines: std::ops::Range<usize>,
}

/// One test: a heading and the blocks up to the next.
#[derive(Clone, Debug)]
pub struct Section {
    pub name: String,
    pub blocks: Vec<Block>,
}

pub fn sections(text: &str) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    let mut open: Option<(String, usize)> = None;
    let lines: Vec<&str> = text.lines().collect();
    for (number, line) in lines.iter().enumerate() {
        match &open {
            Some((kind, from)) => {
                if line.trim_end() == "```" {
                    let block =
                        Block { kind: kind.clone(), text: lines[*from..number].join("\n"), lines: *from..number };
                    if let Some(section) = sections.last_mut() {
                        section.blocks.push(block);
                    }
                    open = None;
                }
            }
            None => {
                if let Some(kind) = line.strip_prefix("```") {
                    open = Some((kind.trim().to_owned(), number + 1));
                } else if line.starts_with('#') {
                    let name = line.trim_start_matches('#').trim().to_owned();
                    sections.push(Section { name, blocks: Vec::new() });
                }
            }
        }
    }
    sections.retain(|section| !section.blocks.is_empty());
    sections
}

/// The file with the texts of some blocks replaced.
pub fn rewritten(text: &str, mut replaced: Vec<(std::ops::Range<usize>, String)>) -> String {
    replaced.sort_by_key(|(lines, _)| std::cmp::Reverse(lines.start));
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for (range, with) in replaced {
        lines.splice(range, with.lines().map(str::to_owned));
    }
    lines.join("\n") + "\n"
}
