/** Texts that only the practice has, in both languages. */
import { currentLanguage } from "../../assets/i18n.js";

const WORDS = {
  "zh-Hans": {
    session: "考前练习", you: "练习者", anywhere: "任何一台电脑",
    title: "考前练习（不计分）",
    lead: "先在这里试一试：怎样作答、改答案、标记、翻页、看时间、交卷。和正式考试的页面一样。",
    points: "大约 5 到 15 分钟，可以随时退出，也可以练很多次。|不用登录，不计分，不保存任何内容。|题目都很简单，只为熟悉操作，与考试内容无关。|不知道怎么操作时，看页面右上方的“帮助”。",
    begin: "开始练习", exam: "去考试登录",
    doneTitle: "练习完成", done: "您会操作了。正式考试交卷后，这里显示回执；练习没有保存任何内容。",
    answered: "答了 {n} 题，共 {total} 题。", missed: "有没答的题。正式考试交卷前会提醒您，可以回去补答。", again: "再练一次",
  },
  en: {
    session: "Practice", you: "Practising", anywhere: "any computer",
    title: "Practice before the exam (not scored)",
    lead: "Try it here first: how to answer, change an answer, mark, turn pages, see the time and hand in. It looks as the exam will.",
    points: "It takes 5 to 15 minutes; leave at any time, practise as often as you like.|No sign-in, no score, nothing is kept.|The items are easy, only to get used to the page; they have nothing to do with the exam.|When you do not know how, look at Help at the top.",
    begin: "Begin the practice", exam: "To the sign-in of the exam",
    doneTitle: "Practice finished", done: "You know how it works. After the exam this page shows your receipt; the practice has kept nothing.",
    answered: "{n} of {total} items answered.", missed: "Some items were left out. Before you hand in the exam you are told, and can go back to them.", again: "Practise again",
  },
};

/** Return a text in the language chosen. */
export function say(name, values = {}) {
  return WORDS[currentLanguage()][name].replace(/\{(\w+)\}/g, (whole, key) => String(values[key]));
}
