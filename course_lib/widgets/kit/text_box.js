// @ts-check
/** A box for one's own text, and what there is to say of it: it was cut, it is being read, it can't be read. */
import { html, setText } from "./elements.js";
import { filled } from "./format.js";
import { atLeisure } from "./timing.js";

const TEXT = {
  cut: "Only the first {most} characters are read.",
  waiting: "reading …",
};
const [REST, MOST] = [350, 1500]; // milliseconds without a key after which what was typed is read, and at most while typing

/** The first so many characters of a text; halves of characters, which can't be sent, are replaced. @param {string} text @param {number} most */
export function firstOf(text, most) {
  const letters = Array.from(text, (letter) => letter.replace(/^[\uD800-\uDFFF]$/, "\uFFFD"));
  return letters.slice(0, most).join("");
}

export class TextBox {
  #unsent = false;
  #last = "";

  /**
   * @param {{label: string, most: number, rows?: number, example?: string, atOnce?: boolean, send: (text: string) => void}} options
   *   most: characters that are read; rows: of the box; example: what it says while it is empty; atOnce: at each key, not
   *   when the hand rests; send: gets what was typed, never nothing.
   */
  constructor({ label, most, rows = 1, example = "", atOnce = false, send }) {
    this.most = most;
    const now = () => {
      if (!this.#unsent || !this.text.trim()) return;
      this.#unsent = false;
      send(this.text);
    };
    const soon = atOnce ? now : atLeisure(now, REST, MOST);
    this.input = /** @type {HTMLInputElement | HTMLTextAreaElement} */ (
      html(rows > 1 ? "textarea" : "input", {
        class: "cl-text",
        "aria-label": label,
        placeholder: example,
        rows: rows > 1 && rows,
        type: rows === 1 && "text",
        dir: "auto",
        spellcheck: "false",
        autocomplete: "off",
        input: () => {
          this.#unsent = true;
          this.#note();
          soon();
        },
        keydown: (event) => rows === 1 && event.key === "Enter" && !event.isComposing && now(),
        blur: () => {
          now();
          this.#unsent = false; // an empty box gives way to what is shown
          this.show(this.#last);
        },
      })
    );
    this.note = html("p", { class: "cl-caption cl-text-note", role: "status", hidden: true });
    this.trouble = html("div", { class: "cl-trouble", role: "alert", hidden: true });
    this.waiting = html("span", { class: "cl-text-waiting", "aria-hidden": "true" }, TEXT.waiting);
    const name = html("span", { class: "cl-slider-name" }, label);
    this.element = html(
      "div",
      { class: "cl-text-box" },
      html(
        "label",
        { class: rows === 1 ? "cl-text-line" : "" },
        ...(rows === 1 ? [name] : []),
        this.input,
        this.waiting,
      ),
      this.note,
      this.trouble,
    );
  }

  /** What is read of what stands in the box. */
  get text() {
    return firstOf(this.input.value, this.most);
  }

  /** Let the box hold a text, unless a hand is just typing another. @param {string} text */
  show(text) {
    this.#last = text;
    if (!this.#unsent && this.text !== text) this.input.value = text;
    this.#note();
  }

  /** Say whether the text is being read, and what is wrong with it. @param {boolean} isWaiting @param {string} error */
  tell(isWaiting, error) {
    this.element.classList.toggle("cl-text-pending", isWaiting);
    setText(this.trouble, error);
    this.trouble.hidden = !error || isWaiting;
  }

  #note() {
    this.note.hidden = Array.from(this.input.value).length <= this.most;
    setText(this.note, this.note.hidden ? "" : filled(TEXT.cut, { most: this.most.toLocaleString("en") }));
  }
}

/**
 * The box of a widget whose Python reads texts (`own_text.py`). Where there is none, or no Python, it is no element.
 * @param {any} model @param {{label: string, example: string}} words
 */
export function ownTextBox(model, words) {
  const most = model.get("text_most");
  const isThere = most > 0 && model.hasKernel !== false;
  const box = new TextBox({
    ...words,
    most,
    send: (text) => {
      model.set("text", text);
      model.save_changes();
    },
  });
  return {
    elements: isThere ? [box.element] : [],
    get isWaiting() {
      const text = model.get("text");
      return isThere && text.trim() !== "" && text !== model.get("text_read");
    },
    draw() {
      box.show(model.get("text"));
      box.tell(this.isWaiting, model.get("text_error"));
    },
  };
}

/** The traits that such a box is drawn from. */
export const TEXT_TRAITS = ["text", "text_read", "text_error"];
