# The table of figures: `awk -v json=FILE -f table.awk FIGURES ROWS`. FIGURES
# are lines of a name and key=value pairs, as benchmarks print them; rows.txt
# says what a row is. Exits 1 when a figure is missing or falls short.

# "round fedavg rounds_per_s=3 loss=1" -> figure["round fedavg", "rounds_per_s"]
FILENAME == ARGV[1] {
  name = ""
  for (i = 1; i <= NF; ++i) {
    at = index($i, "=")
    if (at > 0)
      figure[name, substr($i, 1, at - 1)] = substr($i, at + 1)
    else
      name = name (name == "" ? "" : " ") $i
  }
  next
}

FNR == 1 {
  FS = "|"
  $0 = $0
}
/^#/ || NF < 6 { next }

{
  got = figure[$2, $3]
  peer = $4 == "" ? "" : figure[$4, $5]
  ratio = got != "" && peer + 0 != 0 ? got / peer : ""
  verdict = judge($6, got, peer, ratio)
  if (verdict == "short" || verdict == "failed")
    bad = 1
  row[++rows] = $1 "|" show(got) "|" show(peer) "|" show(ratio) "|" \
    target($6) "|" verdict
  printf "%s\n  {\"name\": \"%s\", \"got\": %s, \"peer\": %s, \"ratio\": %s, " \
    "\"target\": \"%s\", \"verdict\": \"%s\"}", (rows > 1 ? "," : ""), $1,
    number(got), number(peer), number(ratio), target($6), verdict > json
}

END {
  split("figure|got|peer or floor|ratio|target|", head, "|")
  for (c = 1; c <= 6; ++c)
    width[c] = length(head[c])
  for (r = 1; r <= rows; ++r) {
    split(row[r], cell, "|")
    for (c = 1; c <= 6; ++c)
      if (length(cell[c]) > width[c])
        width[c] = length(cell[c])
  }
  line(head)
  for (r = 1; r <= rows; ++r) {
    split(row[r], cell, "|")
    line(cell)
  }
  exit bad
}

# A condition is "ratio >= 0.8", "got <= 3", or "-" where none is set.
function judge(condition, got, peer, ratio, part, value) {
  if (got == "")
    return "failed"
  if (condition == "-")
    return ""
  split(condition, part, " ")
  if (part[1] == "ratio" && ratio == "")
    return "no peer"
  value = part[1] == "ratio" ? ratio + 0 : got + 0
  if (part[2] == ">=" ? value >= part[3] : value <= part[3])
    return "ok"
  return "short"
}

function target(condition) {
  sub(/^(ratio|got) /, "", condition)
  return condition
}

function show(x) {
  return x == "" ? "-" : sprintf("%.4g", x)
}

function number(x) {
  return x ~ /^-?[0-9.]+(e[-+]?[0-9]+)?$/ ? sprintf("%.6g", x) : "null"
}

function line(of, c, text) {
  text = sprintf("%-" width[1] "s", of[1])
  for (c = 2; c <= 5; ++c)
    text = text sprintf("  %" width[c] "s", of[c])
  text = text "  " of[6]
  sub(/ +$/, "", text)
  print text
}
