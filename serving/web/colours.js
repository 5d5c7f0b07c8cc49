// Okabe and Ito's colours in the order in which the server draws them, and ink that reads on them.

const PALETTE = ["#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7"];
const LIGHT_INK = new Set(["#009E73", "#0072B2", "#D55E00"]);

export function paint(element, classId) {
  const colour = PALETTE[classId % PALETTE.length];
  element.style.setProperty("--class", colour);
  element.style.setProperty("--class-ink", LIGHT_INK.has(colour) ? "#fff" : "#111");
}
