// @ts-check
/**
 * What the page computes by itself: the formulas of course_lib in double precision, tested against them. Matrices are arrays
 * of rows. A mask is an array of rows of booleans, true = may attend.
 */

/**
 * The shares of one row of scores. What may not be attended to gets 0; where nothing may, all do.
 * @param {ArrayLike<number>} scores
 * @param {ArrayLike<boolean>} [allowed]
 * @returns {number[]}
 */
export function softmax(scores, allowed) {
  let highest = -Infinity;
  for (let k = 0; k < scores.length; k++) if ((!allowed || allowed[k]) && scores[k] > highest) highest = scores[k];
  const shares = new Array(scores.length);
  let sum = 0;
  for (let k = 0; k < scores.length; k++) sum += shares[k] = !allowed || allowed[k] ? Math.exp(scores[k] - highest) : 0;
  for (let k = 0; k < scores.length; k++) shares[k] = sum > 0 ? shares[k] / sum : 0;
  return shares;
}

/** @param {ArrayLike<number>} a @param {ArrayLike<number>} b */
export function dot(a, b) {
  let sum = 0;
  for (let d = 0; d < a.length; d++) sum += a[d] * b[d];
  return sum;
}

/** Scores of every query with every key. @param {ArrayLike<number>[]} queries @param {ArrayLike<number>[]} keys */
export function dotScores(queries, keys) {
  return queries.map((query) => keys.map((key) => dot(query, key)));
}

/** Scores, and the same divided by √d_k. @param {ArrayLike<number>[]} queries @param {ArrayLike<number>[]} keys */
export function scaledScores(queries, keys) {
  const root = Math.sqrt(keys[0].length);
  const scores = dotScores(queries, keys);
  return { scores, scaled: scores.map((row) => row.map((score) => score / root)) };
}

/**
 * Scaled dot-product attention (Vaswani et al. 2017, eq. 1), with all its steps.
 * @param {number[][]} queries @param {number[][]} keys @param {number[][]} values @param {boolean[][]} [mask]
 */
export function attention(queries, keys, values, mask) {
  const { scores, scaled } = scaledScores(queries, keys);
  const weights = scaled.map((row, q) => softmax(row, mask?.[q]));
  const context = weights.map((row) => mixed(row, values));
  return { scores, scaled, weights, context };
}

/**
 * Rows that depend on one query each, again after some queries were replaced: those of the others are kept.
 * @template {Record<string, number[][]>} T
 * @param {T} before rows of all queries, by name @param {number[][]} queriesBefore @param {number[][]} queries
 * @param {(changed: number[]) => T} rowsOf computes those of the queries with these numbers
 * @returns {T}
 */
function again(before, queriesBefore, queries, rowsOf) {
  const changed = queries.flatMap((query, q) => (query === queriesBefore[q] ? [] : [q]));
  const merged = (/** @type {number[][]} */ old, /** @type {number[][]} */ rows) => {
    const all = old.slice();
    changed.forEach((q, index) => (all[q] = rows[index]));
    return all;
  };
  const entries = Object.entries(rowsOf(changed)).map(([name, rows]) => [name, merged(before[name], rows)]);
  return /** @type {T} */ (Object.fromEntries(entries));
}

/**
 * `scaledScores` again after some queries were replaced.
 * @param {ReturnType<typeof scaledScores>} before @param {number[][]} queriesBefore
 * @param {number[][]} queries @param {number[][]} keys
 */
export function scaledScoresOfChanged(before, queriesBefore, queries, keys) {
  return again(before, queriesBefore, queries, (changed) =>
    scaledScores(
      changed.map((q) => queries[q]),
      keys,
    ),
  );
}

/**
 * `attention` again after some queries were replaced.
 * @param {ReturnType<typeof attention>} before @param {number[][]} queriesBefore
 * @param {number[][]} queries @param {number[][]} keys @param {number[][]} values @param {boolean[][]} [mask]
 */
export function attentionOfChanged(before, queriesBefore, queries, keys, values, mask) {
  return again(before, queriesBefore, queries, (changed) =>
    attention(
      changed.map((q) => queries[q]),
      keys,
      values,
      mask && changed.map((q) => mask[q]),
    ),
  );
}

/** The sum of vectors, each taken by its weight. @param {number[]} weights @param {number[][]} values */
export function mixed(weights, values) {
  const sum = values[0].map(() => 0);
  weights.forEach((weight, k) => values[k].forEach((value, d) => (sum[d] += weight * value)));
  return sum;
}

/** Entropy of shares in nats: 0 where one has all, log n where all are equal. @param {ArrayLike<number>} shares */
export function entropy(shares) {
  let sum = 0;
  for (let k = 0; k < shares.length; k++) if (shares[k] > 0) sum -= shares[k] * Math.log(shares[k]);
  return sum;
}

/**
 * The size (Frobenius norm) of softmax's Jacobian, diag(p) − p pᵀ: how much the shares still answer to the scores.
 * @param {ArrayLike<number>} shares
 */
export function jacobianNorm(shares) {
  let [squares, cubes] = [0, 0];
  for (let k = 0; k < shares.length; k++) {
    squares += shares[k] ** 2;
    cubes += shares[k] ** 3;
  }
  return Math.sqrt(Math.max(0, squares - 2 * cubes + squares ** 2));
}

/** Each position sees itself and those before it. @param {number} n */
export function causalMask(n) {
  return Array.from({ length: n }, (_, q) => Array.from({ length: n }, (_, k) => k <= q));
}

/** Each position sees those at most `window` away, on either side. @param {number} n @param {number} window */
export function slidingWindowMask(n, window) {
  return Array.from({ length: n }, (_, q) => Array.from({ length: n }, (_, k) => Math.abs(q - k) <= window));
}

/** Only the first `length` keys are tokens, the rest is padding. @param {number} n @param {number} length */
export function paddingMask(n, length) {
  return Array.from({ length: n }, () => Array.from({ length: n }, (_, k) => k < length));
}

/** What all masks allow. @param {...boolean[][]} masks */
export function combined(...masks) {
  return masks[0].map((row, q) => row.map((_, k) => masks.every((mask) => mask[q][k])));
}

/**
 * Through how many layers of the mask each position can be reached: 1 what it sees itself, 2 what those see, …; 0: never.
 * The residual connection keeps each position's own vector.
 * @param {boolean[][]} mask @param {number} layers
 */
export function reach(mask, layers) {
  const n = mask.length;
  /** @type {number[][]} */
  const first = mask.map((row) => row.map((may) => (may ? 1 : 0)));
  let seen = mask.map((row, q) => row.map((may, k) => may || q === k));
  for (let layer = 2; layer <= layers; layer++) {
    const before = seen;
    seen = before.map((row, q) => {
      const wider = row.slice();
      for (let via = 0; via < n; via++) {
        if (!mask[q][via]) continue;
        for (let k = 0; k < n; k++) if (before[via][k]) wider[k] = true;
      }
      return wider;
    });
    for (let q = 0; q < n; q++)
      for (let k = 0; k < n; k++) if (seen[q][k] && !first[q][k] && q !== k) first[q][k] = layer;
  }
  return first;
}

/** Frequency of pair i: base^(−2i / d). @param {number} pair @param {number} d @param {number} base */
export function frequency(pair, d, base = 10000) {
  return base ** ((-2 * pair) / d);
}

/**
 * Sinusoidal positions (Vaswani et al. 2017, §3.5): sine and cosine of position · frequency, pair after pair.
 * @param {number} position @param {number} d @param {number} base @returns {number[]}
 */
export function sinusoidal(position, d, base = 10000) {
  return Array.from({ length: d }, (_, i) => {
    const angle = position * frequency(i >> 1, d, base);
    return i % 2 ? Math.cos(angle) : Math.sin(angle);
  });
}

/**
 * Turn neighbouring features by position · frequency (Su et al. 2021, eq. 34).
 * @param {number[]} x @param {number} position @param {number} base @returns {number[]}
 */
export function rotary(x, position, base = 10000) {
  const turned = x.slice();
  for (let pair = 0; pair < x.length >> 1; pair++) {
    const angle = position * frequency(pair, x.length, base);
    const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
    turned[2 * pair] = x[2 * pair] * cos - x[2 * pair + 1] * sin;
    turned[2 * pair + 1] = x[2 * pair] * sin + x[2 * pair + 1] * cos;
  }
  return turned;
}

/**
 * ALiBi's slopes (Press et al. 2021): a geometric series; for other numbers of heads than powers of two the series of the
 * next smaller power, then every other one of the next larger.
 * @param {number} heads @returns {number[]}
 */
export function alibiSlopes(heads) {
  const power = 2 ** Math.floor(Math.log2(heads));
  const series = (/** @type {number} */ n) => Array.from({ length: n }, (_, head) => 2 ** ((-8 * (head + 1)) / n));
  return [...series(power), ...series(2 * power).filter((_, head) => head % 2 === 0)].slice(0, heads);
}

/** Numbers from 0 up to 1 that look random and are the same for the same seed: Mulberry32. @param {number} seed */
export function uniformNumbers(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/**
 * The probabilities that sampling draws by: temperature first, then the k likeliest (with all that are as likely as the
 * last of them), then the fewest likeliest that add up to p.
 * @param {ArrayLike<number>} logits @param {{temperature?: number, topK?: number | null, topP?: number | null}} [options]
 */
export function samplingProbabilities(logits, { temperature = 1, topK = null, topP = null } = {}) {
  let allowed = Array.from(logits, () => true);
  if (topK !== null && topK < logits.length) {
    const least = Float64Array.from(logits).sort()[logits.length - topK];
    allowed = Array.from(logits, (logit) => logit >= least);
  }
  const probabilities = softmax(
    Array.from(logits, (logit) => logit / temperature),
    allowed,
  );
  if (topP === null || topP >= 1) return probabilities;
  const order = probabilities.map((_, id) => id).sort((a, b) => probabilities[b] - probabilities[a]);
  let before = 0;
  const kept = new Array(probabilities.length).fill(0);
  for (const id of order) {
    if (before >= topP) break;
    kept[id] = probabilities[id];
    before += probabilities[id];
  }
  return kept.map((probability) => probability / before);
}

// GPT-2's pattern, as in course_lib.bpe: words with the space before them, numbers, signs, white space.
const WORDS = /'(?:s|t|re|ve|m|ll|d)| ?[\p{L}\p{Nl}\p{No}]+| ?\p{Nd}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu;

/** Cut a text into words, each with the space before it. @param {string} text @returns {string[]} */
export function splitWords(text) {
  return text.match(WORDS) ?? [];
}

/**
 * Learn byte-pair merges (Sennrich et al. 2016): count all pairs of neighbours, merge the most frequent, start again. Among
 * equals the pair whose first token is oldest wins, then whose second is.
 * @param {string} text @param {number} most @param {number} [listed] how many of the pairs to list
 */
export function bytePairMerges(text, most, listed = 8) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const word of splitWords(text)) counts.set(word, (counts.get(word) ?? 0) + 1);
  const alphabet = [...new Set(text)].sort((a, b) => Number(a.codePointAt(0)) - Number(b.codePointAt(0)));
  const ids = new Map(alphabet.map((letter, id) => [letter, id]));
  let words = [...counts].map(([word, count]) => ({ tokens: Array.from(word), count }));
  const length = () => words.reduce((sum, { tokens, count }) => sum + tokens.length * count, 0);
  const lengths = [length()];
  const merges = [];
  for (;;) {
    /** @type {Map<number, number>} */
    const pairs = new Map(); // by both ids in one number
    for (const { tokens, count } of words)
      for (let i = 1; i < tokens.length; i++) {
        const key = Number(ids.get(tokens[i - 1])) * 65536 + Number(ids.get(tokens[i]));
        pairs.set(key, (pairs.get(key) ?? 0) + count);
      }
    const names = [...ids.keys()];
    const ordered = [...pairs].sort((a, b) => b[1] - a[1] || a[0] - b[0]).slice(0, listed);
    const candidates = ordered.map(([key, count]) => ({
      pair: [names[Math.floor(key / 65536)], names[key % 65536]],
      count,
    }));
    merges.push(candidates);
    if (!candidates.length || merges.length > most) break;
    const [first, second] = candidates[0].pair;
    ids.set(first + second, ids.size);
    words = words.map(({ tokens, count }) => ({ tokens: mergedPair(tokens, first, second), count }));
    lengths.push(length());
  }
  // Before merge i there were the candidates of merges[i]; the first of them is merged. After i merges the text has
  // lengths[i] tokens.
  return { alphabet, candidates: merges, lengths };
}

/** @param {string[]} tokens @param {string} first @param {string} second */
function mergedPair(tokens, first, second) {
  const result = [];
  for (let i = 0; i < tokens.length; i++)
    if (tokens[i] === first && tokens[i + 1] === second) {
      result.push(first + second);
      i += 1;
    } else result.push(tokens[i]);
  return result;
}

/** The tokens of a text after some merges. @param {string} text @param {string[][]} merges */
export function bytePairTokens(text, merges) {
  const known = new Map();
  return splitWords(text).flatMap((word) => {
    if (!known.has(word))
      known.set(
        word,
        merges.reduce((tokens, [first, second]) => mergedPair(tokens, first, second), Array.from(word)),
      );
    return known.get(word);
  });
}
