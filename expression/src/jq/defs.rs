//! The filters of jq that are defined in jq.

use jaq_core::load::parse::Def;

/// Definitions of jaq that are replaced, or that reach the world outside.
const LEFT_OUT: &[&str] = &[
    "halt",
    "halt_error",
    "debug",
    "stderr",
    "infinite",
    "nan",
    "isnan",
    "isinfinite",
    "isnormal",
    "type",
    "tostring",
    "tonumber",
    "split",
    "join",
    "repeat",
    "recurse",
    "while",
    "until",
    "getpath",
    "setpath",
    "delpaths",
    "del",
    "paths",
    "walk",
    "flatten",
    "from_entries",
    "with_entries",
    "capture_of_match",
    "test",
    "scan_",
    "match",
    "capture",
    "splits",
    "sub",
    "gsub",
    "scan",
    "transpose",
    "isboolean",
    "isnumber",
    "isstring",
    "isarray",
    "isobject",
    "combinations",
    "limit",
    "first",
    "abs",
    "keys",
];

/// What jaq's own library builds on. Everything that can go on for ever counts its rounds.
const BASE: &str = r#"
def keys: keys_unsorted | sort;
def isboolean: type == "boolean";
def isnumber: type == "number";
def isstring: type == "string";
def isarray: type == "array";
def isobject: type == "object";
def first: .[0];
def abs: if . < 0 then - . else . end;
def repeat(f): def rec: (if _step then . else . end) | f, rec; rec;
def recurse(f): def rec: (if _step then . else . end) | ., (f | rec); rec;
def recurse: recurse(.[]?);
def recurse(f; cond): recurse(f | select(cond));
def while(cond; update): def rec: (if _step then . else . end) | if cond then ., (update | rec) else empty end; rec;
def until(cond; update): def rec: (if _step then . else . end) | if cond then . else update | rec end; rec;
def getpath($path): if ($path | length) > 300 then error("the path is too long") else reduce $path[] as $p (.; .[$p]) end;
def setpath($path; $x): getpath($path) = $x;
def delpaths($paths): _delete($paths);
def del(f): _delete([path(f)]);
def paths(p): path(..) as $path | select($path | length > 0) | select(getpath_value($path) | p) | $path;
def paths: paths(type != "null");
def leaf_paths: paths(type != "array" and type != "object" and type != "null");
def walk(f):
  def inner: (if _step then . else . end) | if type == "object" then . as $in | reduce keys[] as $key ({}; . + {($key): ($in[$key] | inner)}) | f
    elif type == "array" then map(inner) | f else f end;
  inner;
def flatten: _flatten(infinite);
def flatten($depth): _flatten($depth);
def from_entries: reduce (.[] | {(if has("key") then .key elif has("k") then .k elif has("name") then .name elif has("Name") then .Name elif has("K") then .K else .Key end | if type == "string" then . elif type == "null" then error("Cannot use null (null) as object key") else tojson end): (if has("value") then .value elif has("v") then .v else .Value end)}) as $x ({}; . + $x);
def with_entries(f): to_entries | map(f) | from_entries;
"#;

/// What jackson-jq has and jaq has not, or has otherwise.
const REST: &str = r#"
def transpose: . as $rows | ($rows | map(length) | max) as $width | [range(0; $width // 0) as $i | [$rows[] | .[$i]]];
def combinations: if length == 0 then [] else .[0][] as $x | (.[1:] | combinations) as $w | [$x] + $w end;
def combinations($n): . as $dot | [range($n)] | map($dot) | combinations;
def _args($re; $flags): if ($re | type) == "array" then [$re[0], ($flags // $re[1])] else [$re, $flags] end;
def match($re; $flags): _args($re; $flags) as [$r, $f] | _match($r; $f)[];
def match($re): match($re; null);
def test($re; $flags): _args($re; $flags) as [$r, $f] | _match($r; $f) | length > 0;
def test($re): test($re; null);
def capture($re; $flags): match($re; $flags) | [.captures[] | select(.name != null) | {key: .name, value: .string}] | from_entries;
def capture($re): capture($re; null);
def scan($re; $flags): match($re; "g" + $flags) | if (.captures | length) > 0 then [.captures[].string] else .string end;
def scan($re): scan($re; null);
def split($re; $flags): [_pieces($re; "g" + $flags)[] | select(type == "string")];
def splits($re; $flags): split($re; $flags)[];
def splits($re): splits($re; null);
def sub($re; str; $flags): reduce _pieces($re; $flags)[] as $x (""; . + (if ($x | type) == "object" then ($x | str) else $x end));
def sub($re; str): sub($re; str; null);
def gsub($re; str; $flags): sub($re; str; "g" + $flags);
def gsub($re; str): sub($re; str; "g");
def ascii: [.] | implode;
def todate: todateiso8601;
def fromdate: fromdateiso8601;
def date: todate;
def @csv: _csv;
def @tsv: _tsv;
def @text: tostring;
def @json: tojson;
def in(xs): . as $x | xs | has($x);
def inside(xs): . as $x | xs | contains($x);
def index($i): indices($i) | .[0];
def rindex($i): indices($i) | .[-1:][0];
def toarray: if type == "array" then . else [.] end;
def INDEX(stream; f): reduce stream as $row ({}; .[$row | f | tostring] = $row);
def INDEX(f): INDEX(.[]; f);
def IN(s): any(s == .; .);
def IN(src; s): any(src == s; .);
def tostream: path(def r: (.[]?|r), .; r) as $p | getpath($p) | reduce path(.[]?) as $q ([$p, .]; [$p+$q]);
"#;

/// All definitions: each sees those before it.
pub(super) fn all() -> impl Iterator<Item = Def<&'static str>> {
    let core = jaq_core::defs().filter(|def| !is_left_out(def));
    let library = jaq_std::defs().filter(|def| !is_left_out(def));
    core.chain(read(BASE)).chain(library).chain(read(REST))
}

fn read(text: &'static str) -> Vec<Def<&'static str>> {
    jaq_core::load::parse(text, |parser| parser.defs()).unwrap_or_default()
}

fn is_left_out(def: &Def<&'static str>) -> bool {
    LEFT_OUT.contains(&def.name) || matches!(def.name, "@csv" | "@tsv" | "@text" | "@json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_definitions_can_be_read() {
        assert!(read(BASE).len() > 20);
        assert!(read(REST).len() > 30);
    }
}
