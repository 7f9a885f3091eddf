// @ts-check
/** The page side of BlockWalk: the stages of a block, one below the other, for the token that is followed. */
import { dot } from "./compute.js";
import { choiceButtons, toggle } from "./kit/controls.js";
import { html, setText } from "./kit/elements.js";
import { filled, readable } from "./kit/format.js";
import { frame } from "./kit/frame.js";
import { HeatMap } from "./kit/heat_map.js";
import { floats, keepDrawn, put } from "./kit/model.js";

const TEXT = {
  title: "What does a block do to a token?",
  hint: "Pick a token and read from top to bottom. Switch a part off, and see what it was good for.",
  who: "Token",
  switches: { attention: "attention", feed_forward: "feed-forward", residual: "residual", norm: "norm" },
  shape: "{tokens} × {width}",
  cell: "{stage}, feature {feature}: {value}",
  out: "Out of the block the vector of “{token}” has size {size}; its direction agrees with what came in to {cosine} (1: the same).",
  legend: "Blue below 0, orange above. All stages share one scale, so that a faint strip is a short vector.",
};

/** @param {{model: any, el: HTMLElement}} host */
function render({ model, el }) {
  const tokens = /** @type {string[]} */ (model.get("tokens"));
  const stages = /** @type {[string, number][]} */ (model.get("stages"));
  const switches = /** @type {(keyof typeof TEXT.switches)[]} */ (model.get("switches"));
  const { root, body, announcer, painted, leave } = frame({ model, el }, "walk", {
    title: model.get("title") || TEXT.title,
    hint: TEXT.hint,
  });
  const who = choiceButtons(
    TEXT.who,
    tokens.map((token, index) => [String(index), token]),
    (index) => put(model, "token", Number(index)),
  );
  const buttons = switches.map((name) => ({
    name,
    ...toggle(TEXT.switches[name], (on) => put(model, "on", { ...model.get("on"), [name]: on })),
  }));
  const trouble = html("div", { class: "cl-trouble", role: "alert", hidden: !model.get("error") }, model.get("error"));
  const rows = stages.map(([name, width]) => {
    const strip = new HeatMap({
      label: name,
      rows: [""],
      columns: new Array(width).fill(""),
      signed: true,
      tell: (_, feature, value) => filled(TEXT.cell, { stage: name, feature, value: readable(value) }),
    });
    const bar = html("span", { class: "cl-size-bar" });
    const size = html("span", { class: "cl-size" });
    const element = html(
      "div",
      { class: "cl-stage" },
      html(
        "div",
        { class: "cl-stage-name" },
        html("b", {}, name),
        html("span", { class: "cl-caption" }, filled(TEXT.shape, { tokens: tokens.length, width })),
      ),
      strip.element,
      html("div", { class: "cl-stage-size" }, bar, size),
    );
    return { name, width, strip, bar, size, element };
  });
  const verdict = html("p", { class: "cl-verdict" });
  body.append(
    trouble,
    html(
      "div",
      { class: "cl-controls" },
      who.element,
      html("div", { class: "cl-choices" }, ...buttons.map(({ element }) => element)),
    ),
    html("div", { class: "cl-panel cl-stages" }, ...rows.map(({ element }) => element)),
    html("p", { class: "cl-caption" }, TEXT.legend),
    verdict,
  );
  const all = floats(model, "numbers");
  const perWalk = stages.reduce((sum, [, width]) => sum + width * tokens.length, 0);

  /** The vector of a token at every stage, with the present switches. @returns {Float32Array[]} */
  function vectors() {
    const on = model.get("on");
    const walk = switches.reduce((number, name) => 2 * number + Number(on[name]), 0);
    let from = walk * perWalk;
    return stages.map(([, width]) => {
      const start = from + model.get("token") * width;
      from += width * tokens.length;
      return all.subarray(start, start + width);
    });
  }

  function draw() {
    who.show(String(model.get("token")));
    for (const { name, show } of buttons) show(model.get("on")[name]);
    root.dataset.state = model.get("error") ? "error" : "ok";
    if (!stages.length) return painted();
    const found = vectors();
    const sizes = found.map((vector) => Math.sqrt(dot(vector, vector)));
    // One scale for all: the typical largest feature of the stages, so that one outlier does not pale the rest.
    const tops = found
      .map((vector) => vector.reduce((most, x) => Math.max(most, Math.abs(x)), 0))
      .sort((a, b) => a - b);
    const top = tops[Math.floor(tops.length / 2)] || 1;
    const longest = Math.max(...sizes, 1e-9);
    rows.forEach(({ strip, bar, size }, index) => {
      strip.show([found[index]], { top });
      bar.style.width = `${(100 * sizes[index]) / longest}%`;
      setText(size, readable(sizes[index]));
    });
    const [first, last] = [found[0], found[found.length - 1]];
    const cosine =
      first.length === last.length ? dot(first, last) / (sizes[0] * sizes[sizes.length - 1] || 1) : Number.NaN;
    const values = {
      token: tokens[model.get("token")],
      size: readable(sizes[sizes.length - 1]),
      cosine: readable(cosine),
    };
    setText(verdict, filled(TEXT.out, values));
    announcer.say(verdict.textContent ?? "");
    painted();
  }
  const stop = keepDrawn(model, ["token", "on"], draw);
  return () => {
    stop();
    leave();
  };
}

export default { render };
