// @ts-check
/**
 * All that a reader of the playground sees; names in braces are filled in. What ends in "Beside" stands where a function of
 * the learner's gives weights and context, with the library's scores beside them.
 */

/** @typedef {(typeof STAGES)[number]} Stage */
/** @typedef {"queries" | "keys" | "values"} Kind */

export const STAGES = /** @type {const} */ (["scores", "scaled", "masked", "weights", "context"]);

/** The tip of each kind's arrows: its shape tells it apart, not its colour alone. */
export const TIPS = /** @type {const} */ ({
  queries: "circle",
  keys: "square",
  values: "triangle",
  context: "diamond",
});

export const TEXT = {
  stage: {
    scores: {
      name: "Scores",
      formula: "query · key",
      formulaBeside: "library: query · key",
      words:
        "Every query meets every key: multiply number by number, then add. " +
        "Long arrows that point the same way score high.",
      plane: "Keys dropped onto the line of “{who}”: the further along, the higher the score.",
      cell: "score of query {query} with key {key}: {number}",
    },
    scaled: {
      name: "Scaled",
      formula: "score / √d_k",
      formulaBeside: "library: score / √d_k",
      words: "Divide by √d_k = √{d} = {root}, so that more dimensions do not simply mean bigger scores.",
      plane: "Scaling shrinks all scores alike: their order stays.",
      cell: "scaled score of query {query} with key {key}: {number}",
    },
    masked: {
      name: "Masked",
      formula: "may it look? else −∞",
      formulaBeside: "library: −∞ if hidden",
      words:
        "Where a query may not look, its score becomes −∞. Click a cell, or press Space on it, to hide or show a key.",
      plane: "Faded keys are hidden from “{who}” by the mask.",
      cell: "{query} may look at {key}, scaled score {number}; press Space to hide it",
      hiddenCell: "{query} may not look at {key}; press Space to show it",
    },
    weights: {
      name: "Weights",
      formula: "softmax over the keys",
      formulaBeside: "by {name}",
      words: "e to the power of each score, divided by the sum of its row: every row becomes shares that add up to 1.",
      wordsBeside: "What {name} returned as weights: how each query shares out its attention.",
      plane: "The bigger the disc around a key, the more “{who}” attends to it.",
      cell: "{query} attends to {key} with weight {number}",
    },
    context: {
      name: "Context",
      formula: "weights × values",
      formulaBeside: "by {name}",
      words:
        "Each query takes from every value its share and adds them up: " +
        "a vector of its own, mixed from what it attends to.",
      wordsBeside: "What {name} returned as context: a vector for each query.",
      plane: "The bigger the disc around a key, the more “{who}” takes of its value.",
      cell: "context of {query}, dimension {key}: {number}",
    },
  },
  who: "Who is looking?",
  compare: "Compare",
  mix: "Mix",
  comparePlane: "Plane of queries and keys: arrows to drag, or to move with the arrow keys",
  mixPlane: "Plane of values, to drag or to move with the arrow keys, and of the context vectors they give",
  mixHint: "Thin steps, weight × value, end at the context of “{who}”. Shaded: its reach.",
  mixStale: "The last context vectors that worked.",
  mixWaiting: "The context appears here once the attention function works.",
  kinds: { queries: "query", keys: "key", values: "value" },
  vectorOf: "{kind} of {token}",
  show: "Show and move",
  both: "both",
  numbers: "Numbers",
  numberOf: "{kind} of {token}, dimension {d}",
  presets: "Examples",
  reset: "Reset",
  mask: "Mask",
  masks: { none: "none", causal: "causal" },
  steps: "Steps of attention",
  queryRows: "rows: queries",
  keyColumns: "columns: keys",
  dimensionColumns: "columns: dimensions",
  sum: "sum",
  runsBeside: "Weights and context come from your",
  stale: "The last picture that worked:",
  nothingYet: "No weights yet: they come from the function above.",
  waiting: "Python is computing …",
  winner: "★",
  kept: "may look: the score stays",
  hidden: "{score} is hidden: it becomes",
  total: "together",
  contextOf: "context of {who}",
  gave: "softmax: {expected}; {name}:",
  wins: "“{who}” attends most to “{key}”: {weight}.",
  scoresBest: "“{who}” scores highest with “{key}”: {score}.",
  attendsToNothing: "“{who}” attends to nothing: every key is hidden.",
  failed: "The attention function failed. {error}",
  noPython: "Only Python can run {name}, and this page has none: weights and context stay as they were.",
};

/** More of it for a crowd of tokens. */
export const CROWD_TEXT = {
  hint: "Choose who is looking, then drag its query, or the key and value of one other token. Click the map to choose both.",
  key: "Key at hand",
  compare: "Every dot is a key. The bigger its disc, the more “{who}” attends to it; the square is “{key}”.",
  mix: "Every dot is a value. Weights mix them into the context of “{who}”; the triangle is “{key}”.",
  map: "Brightest: {top}. Rows are queries, columns are keys; the framed row is “{who}”.",
  mapSigned: "Blue is negative, orange positive; the strongest colour is ±{top}. The framed row is “{who}”.",
  mapContext: "Rows are queries, columns are dimensions; the strongest colour is ±{top}.",
  most: "“{who}” attends most to",
  rest: "the other {count} together",
  score: "scaled score {scaled}",
  names: { queries: "query", keys: "key", values: "value" },
};
