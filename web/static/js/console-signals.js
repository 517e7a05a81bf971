/* What tells an invigilator who looks elsewhere that somebody waits: the number in the tab's title, a marked row, a sentence for screen
   readers and, when switched on, two short tones. Syntax stays within Chromium 86. */
const KEPT_AS = "kaoku-console-sound";
const MARKED_MS = 60000;
const NAMED = 3;

/** The switch of the tones; what was chosen stands in this browser. */
function makeSound(button) {
  let context = null;
  let isOn = false;

  function play() {
    if (!isOn || !context) return;
    [0, 0.22].forEach((delay) => {
      const tone = context.createOscillator();
      const volume = context.createGain();
      tone.frequency.value = 880;
      volume.gain.value = 0.15;
      tone.connect(volume).connect(context.destination);
      tone.start(context.currentTime + delay);
      tone.stop(context.currentTime + delay + 0.15);
    });
  }

  function turn(on) {
    isOn = on;
    button.setAttribute("aria-pressed", String(on));
    if (on && !context) context = new AudioContext();
    if (on) context.resume();
  }

  button.hidden = !("AudioContext" in window);
  button.addEventListener("click", () => {
    turn(!isOn);
    localStorage.setItem(KEPT_AS, isOn ? "1" : "");
    play();
  });
  if (!button.hidden && localStorage.getItem(KEPT_AS)) turn(true);
  return play;
}

export function makeSignals(room) {
  const says = room.querySelector("[data-console-news]");
  const { title } = document;
  const limit = Number(room.dataset.lastIssue);
  const play = makeSound(document.querySelector("[data-console-sound]"));

  /** Say in the tab how many wait. */
  function count(n) {
    document.title = n ? `(${n}) ${title}` : title;
  }

  /** Tell who of these seats waits now and did not before: to be asked before the rows are written. */
  function newcomers(seats) {
    const rowOf = (seat) => room.querySelector(`[data-seat="${seat.key}"]`);
    return seats.filter((seat) => seat.rank <= limit).map(rowOf).filter((row) => row && Number(row.dataset.rank) > limit);
  }

  function mark(row) {
    row.classList.add("is-new");
    setTimeout(() => row.classList.remove("is-new"), MARKED_MS);
    row.addEventListener("click", () => row.classList.remove("is-new"), { once: true });
  }

  /** Point out rows that are written by now. */
  function tell(rows) {
    if (!rows.length) return;
    rows.forEach(mark);
    const named = rows.slice(0, NAMED).map((row) => `${row.dataset.name} ${row.querySelector('[data-field="state"]').textContent.trim()}`);
    says.textContent = room.dataset.news.replace("{names}", named.join("；") + (rows.length > NAMED ? ` … ${rows.length}` : ""));
    play();
  }

  return { count, newcomers, tell };
}
