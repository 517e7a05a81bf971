// Browsers without ES modules get a sentence instead of a blank page.
var hint = document.getElementById("boot-hint");
if (hint) hint.textContent = "这台电脑的浏览器版本过旧，不能参加考试，请举手告诉监考员。";
