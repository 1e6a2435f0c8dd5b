// Small helpers. Whatever comes from the stream goes in as text, never as markup.

const SVG = "http://www.w3.org/2000/svg";

/** An element with properties (or attributes, where a name has a dash) and children. */
export function make(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-") || name === "role") node.setAttribute(name, value);
    else node[name] = value;
  }
  node.append(...children);
  return node;
}

/** An SVG element with attributes. */
export function makeSvg(tag, attributes = {}) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

export const byId = id => document.getElementById(id);

/** Write a text, only where it differs: what is the same costs no layout. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Write an attribute, only where it differs; null takes it away. */
export function setAttribute(node, name, value) {
  if (node.getAttribute(name) === value) return;
  if (value === null) node.removeAttribute(name);
  else node.setAttribute(name, value);
}

/** Fill a fieldset with one radio button per value, once per set of values. */
export function fillRadios(fieldset, name, values, chosen, onChoice) {
  const current = [...fieldset.querySelectorAll("input")].map(input => input.value);
  if (current.join("|") !== values.join("|")) {
    for (const label of fieldset.querySelectorAll("label")) label.remove();
    for (const value of values) {
      const input = make("input", { type: "radio", name, value });
      input.addEventListener("change", () => onChoice(value));
      fieldset.append(make("label", {}, input, make("span", { textContent: value })));
    }
  }
  for (const input of fieldset.querySelectorAll("input")) input.checked = input.value === chosen;
}
