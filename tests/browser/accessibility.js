// Reads a page as it is drawn and gives what is wrong with it, in words.
() => {
  const faults = [];

  const visible = (element) => {
    const box = element.getBoundingClientRect();
    const style = getComputedStyle(element);
    return box.width > 1 && box.height > 1 && style.visibility !== "hidden" && style.display !== "none";
  };
  const textOf = (id) => (document.getElementById(id) || {}).textContent || "";
  const name = (element) => {
    const labelled = (element.getAttribute("aria-labelledby") || "").split(" ").map(textOf).join(" ");
    const labels = [...(element.labels || [])].map((label) => label.textContent).join(" ");
    const images = [...element.querySelectorAll("img")].map((image) => image.alt).join(" ");
    return [element.getAttribute("aria-label"), labelled, labels, element.textContent, images].join(" ").trim();
  };

  for (const field of document.querySelectorAll("input:not([type=hidden]), select, textarea")) {
    if (!name(field)) faults.push(`a field without a label: ${field.name}`);
  }
  for (const control of document.querySelectorAll("a[href], button, summary")) {
    if (visible(control) && !name(control)) faults.push(`a control without a name: ${control.outerHTML.slice(0, 80)}`);
  }
  for (const image of document.images) {
    if (!image.hasAttribute("alt")) faults.push(`an image without alt: ${image.src}`);
  }

  const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
  ids.filter((id, index) => ids.indexOf(id) !== index).forEach((id) => faults.push(`two elements with id ${id}`));
  for (const element of document.querySelectorAll("[aria-labelledby], [aria-describedby]")) {
    const named = `${element.getAttribute("aria-labelledby") || ""} ${element.getAttribute("aria-describedby") || ""}`;
    for (const id of named.trim().split(/\s+/)) {
      if (!document.getElementById(id)) faults.push(`a reference to nothing: ${id}`);
    }
  }

  const levels = [...document.querySelectorAll("h1, h2, h3, h4, h5, h6")].map((heading) => Number(heading.tagName[1]));
  const first = levels.filter((level) => level === 1).length;
  if (first !== 1) faults.push(`${first} headings of level 1`);
  levels.forEach((level, index) => {
    if (index && level > levels[index - 1] + 1) faults.push(`a heading of level ${level} after one of level ${levels[index - 1]}`);
  });
  if (!document.documentElement.lang) faults.push("the page has no language");
  if (document.querySelectorAll("main").length !== 1) faults.push("the page has not one main part");
  for (const cell of document.querySelectorAll("th")) {
    if (!cell.scope) faults.push(`a head without scope: ${cell.textContent.trim()}`);
    if (!cell.textContent.trim()) faults.push("an empty head");
  }

  // contrast as drawn (WCAG 2.2, 1.4.3)
  const parse = (text) => {
    const parts = text.match(/[\d.]+/g).map(Number);
    return { rgb: parts.slice(0, 3), alpha: parts.length > 3 ? parts[3] : 1 };
  };
  const luminance = (rgb) => {
    const linear = rgb.map((value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour.alpha === 1) return colour.rgb;
    }
    return [255, 255, 255];
  };
  const poor = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    const text = walker.currentNode.textContent.trim();
    if (!text || !visible(element) || element.closest(".hidden-visually, .skip, script")) continue;
    const style = getComputedStyle(element);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 600);
    const [high, low] = [luminance(parse(style.color).rgb), luminance(ground(element))].sort((a, b) => b - a);
    const ratio = (high + 0.05) / (low + 0.05);
    if (ratio < (large ? 3 : 4.5)) poor.add(`poor contrast ${ratio.toFixed(2)}: ${element.tagName}.${element.className} "${text.slice(0, 30)}"`);
  }
  return [...faults, ...poor];
};
