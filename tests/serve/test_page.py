"""The page in a real browser."""

import os
import re
import shutil
import unicodedata
from dataclasses import replace
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

import sts.serve

from .conftest import loaded, running

PROGRAMS = [shutil.which("chromium"), shutil.which("chromedriver")]
OPTIONS = (
    "headless=new no-sandbox disable-gpu disable-quic no-first-run disable-background-networking "
    "disable-component-update disable-sync lang=ko"
)
SECONDS = 20
KEY = "key-of-the-page-tests"


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    if not all(PROGRAMS):
        if os.environ.get("CI") == "true":
            pytest.fail("no browser is installed: apt-get install chromium chromium-driver")
        pytest.skip("no browser is installed: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = PROGRAMS[0]
    for word in [*OPTIONS.split(), f"user-data-dir={tmp_path_factory.mktemp('browser')}"]:
        options.add_argument(f"--{word}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(PROGRAMS[1]))
    yield driver
    driver.quit()


@pytest.fixture
def page(browser, server):
    screen(browser, 1200, 900)
    open_page(browser, server)
    yield browser
    severe = [line for line in browser.get_log("browser") if line["level"] == "SEVERE"]
    assert severe == []


def open_page(browser, address):
    browser.get(f"{address}/")
    browser.execute_script("localStorage.clear(); sessionStorage.clear()")
    browser.get(f"{address}/")
    wait(browser, lambda: get(browser, "model").text)
    if browser.execute_script("return document.documentElement.lang") != "ko":
        get(browser, "language").click()


def screen(browser, width, height, *, dark=False):
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    theme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [theme]})


def wait(browser, condition):
    return WebDriverWait(browser, SECONDS).until(lambda _: condition())


def get(browser, name):
    return browser.find_element(By.ID, name)


def fill(browser, name, text):
    browser.execute_script("arguments[0].value = arguments[1]", get(browser, name), text)


def compare(browser, first, second):
    fill(browser, "sentence1", first)
    fill(browser, "sentence2", second)
    get(browser, "compare").click()
    wait(browser, lambda: get(browser, "compare").is_enabled() and get(browser, "score").text)


def answer(browser, path, status, body, headers=None, times=1_000):
    """Lets the page get this answer from the path instead of the server's: what the real one gives too rarely."""
    script = """
        const [path, status, body, headers, times] = arguments, real = window.fetch;
        let left = times;
        window.fetch = (asked, options) => {
            if (asked !== path || left-- <= 0) return real(asked, options);
            window.answered = true;
            return Promise.resolve(new Response(JSON.stringify(body), { status, headers }));
        };
    """
    browser.execute_script(script, path, status, body, headers or {}, times)


def test_two_sentences_get_a_score_a_verdict_and_words_that_go_together(page, client, tmp_path):
    compare(page, "숙소는 깨끗해요.", "방이 깨끗해요.")
    expected = client.post("/v1/similarity", json={"sentence1": "숙소는 깨끗해요.", "sentence2": "방이 깨끗해요."}).json
    assert get(page, "score").text == f"{expected['score']:.2f}"
    assert ("비슷합니다" in get(page, "verdict").text) == expected["similar"]
    assert get(page, "rubric").text.endswith(".")
    words = [text.text for text in page.find_elements(By.CSS_SELECTOR, "#alignment svg text")]
    assert words == ["숙소는", "깨끗해요.", "방이", "깨끗해요."]
    assert page.find_elements(By.CSS_SELECTOR, "#alignment path")
    pairs = [item.text for item in page.find_elements(By.CSS_SELECTOR, "#alignment-pairs li")]
    assert "깨끗해요. ↔ 깨끗해요." in pairs
    assert page.find_element(By.CSS_SELECTOR, "#scale svg").get_attribute("aria-label").startswith("0점부터 5점까지")
    picture = tmp_path / "page.png"
    assert page.save_screenshot(str(picture))
    assert picture.stat().st_size > 10_000


def test_an_empty_field_says_so_where_it_is_and_asks_nobody(page):
    get(page, "compare").click()
    for name in ("sentence1", "sentence2"):
        assert get(page, f"{name}-error").text == "문장을 입력하세요."
        assert get(page, name).get_attribute("aria-invalid") == "true"
    assert page.switch_to.active_element == get(page, "sentence1")
    assert not get(page, "compared").is_displayed()
    compare(page, "가", "나")
    assert not get(page, "sentence1-error").is_displayed()


def test_an_error_speaks_the_language_of_the_moment(page):
    get(page, "compare").click()
    get(page, "language").click()
    assert get(page, "sentence1-error").text == "Enter a sentence."


def test_a_rule_that_a_field_breaks_is_told_at_the_field(page):
    errors = [{"pointer": "/sentence2", "found": "string", "rule": "must be shorter"}]
    answer(page, "v1/similarity", 422, {"type": "urn:sts:problem:invalid-field", "detail": "x", "errors": errors})
    fill(page, "sentence1", "가")
    fill(page, "sentence2", "나")
    get(page, "compare").click()
    wait(page, lambda: get(page, "sentence2-error").text == "must be shorter")
    assert get(page, "sentence2").get_attribute("aria-invalid") == "true"
    assert get(page, "sentence1").get_attribute("aria-invalid") == "false"
    assert not get(page, "compare-error").is_displayed()


def test_a_cut_pair_says_so_and_its_score_is_shown_without_words_that_go_together(page):
    scored = {"sentence1": "가", "sentence2": "나", "score": 4.4, "similar": True, "truncated": True, "threshold": 3}
    answer(page, "v1/similarity", 200, scored)
    answer(page, "v1/alignment", 500, {})
    compare(page, "가", "나")
    assert get(page, "score").text == "4.40"
    assert get(page, "truncated").is_displayed()
    assert get(page, "alignment-note").text == "낱말 짝은 보여 드릴 수 없습니다."
    assert not get(page, "alignment").is_displayed()


def test_words_without_a_counterpart_are_named(page):
    aligned = {
        "words1": [{"start": 0, "end": 1}, {"start": 2, "end": 3}],
        "words2": [{"start": 0, "end": 1}],
        "links": [{"word1": 1, "word2": 0, "similarity": 0.9}],
    }
    answer(page, "v1/alignment", 200, aligned)
    compare(page, "😀 나", "나")
    assert get(page, "alignment-pairs").text == "나 ↔ 나"
    assert get(page, "alignment-note").text == "짝이 없는 낱말(점선 테두리): 😀"


def test_an_example_is_a_click_away(page):
    example = page.find_elements(By.CSS_SELECTOR, "#examples button")[1]
    first, _, second = example.text.partition(" / ")
    example.click()
    wait(page, lambda: get(page, "score").text)
    assert get(page, "sentence1").get_attribute("value") == first
    assert get(page, "sentence2").get_attribute("value") == second


def test_the_index_is_searched(page):
    fill(page, "query", "숙소는 깨끗해요.")
    get(page, "search").click()
    wait(page, lambda: page.find_elements(By.CSS_SELECTOR, "#results li"))
    rows = page.find_elements(By.CSS_SELECTOR, "#results li")
    assert rows[0].find_element(By.CLASS_NAME, "sentence").text == "숙소는 깨끗해요."
    assert "source: airbnb" in rows[0].text
    scores = [float(row.find_element(By.CLASS_NAME, "value").text) for row in rows]
    assert scores == sorted(scores, reverse=True)
    get(page, "rerank").click()
    get(page, "search").click()
    wait(page, lambda: get(page, "search").is_enabled())
    assert len(page.find_elements(By.CSS_SELECTOR, "#results li")) == 6


def test_pairs_are_scored_drawn_and_downloaded_and_bad_lines_named(page, tmp_path):
    fill(page, "pairs-text", "sentence1\tsentence2\n가\t나\n혼자\n\n \t나\n다\t라\n")
    get(page, "score-pairs").click()
    wait(page, lambda: get(page, "scored").is_displayed())
    rows = page.find_elements(By.CSS_SELECTOR, "#pairs-table tbody tr")
    assert [[cell.text for cell in row.find_elements(By.TAG_NAME, "td")][:2] for row in rows] == [
        ["가", "나"],
        ["다", "라"],
    ]
    bad = get(page, "bad-lines").text
    assert "2줄은 쓸 수 없어 뺐습니다." in bad
    assert "3번째 줄: 칸의 수가 다른 줄과 다릅니다." in bad
    assert "5번째 줄: 빈 문장이 있습니다." in bad
    assert len(page.find_elements(By.CSS_SELECTOR, "#histogram .column")) == 10
    downloads = {"behavior": "allow", "downloadPath": str(tmp_path)}
    page.execute_cdp_cmd("Browser.setDownloadBehavior", downloads)
    get(page, "download").click()
    wait(page, lambda: (tmp_path / "scored.tsv").is_file())
    lines = (tmp_path / "scored.tsv").read_text(encoding="utf-8-sig").splitlines()
    assert lines[0] == "sentence1\tsentence2\tscore\tsimilar\ttruncated\tunknown"
    assert {line.split("\t")[5] for line in lines[1:]} == {"0"}
    assert [line.split("\t")[:2] for line in lines[1:]] == [["가", "나"], ["다", "라"]]


def test_a_busy_server_is_asked_again(page):
    answer(page, "v1/similarity/batch", 503, {"type": "urn:sts:problem:queue-full"}, {"Retry-After": "1"}, times=1)
    fill(page, "pairs-text", "가\t나")
    get(page, "score-pairs").click()
    wait(page, lambda: get(page, "scored").is_displayed())
    assert not get(page, "pairs-error").is_displayed()


def test_waiting_for_a_busy_server_can_be_stopped(page):
    answer(page, "v1/similarity/batch", 503, {"type": "urn:sts:problem:queue-full"}, {"Retry-After": "30"})
    fill(page, "pairs-text", "가\t나")
    get(page, "score-pairs").click()
    wait(page, lambda: page.execute_script("return window.answered"))
    get(page, "cancel").click()
    WebDriverWait(page, 5).until(lambda _: get(page, "score-pairs").is_enabled())
    assert "멈췄습니다" in get(page, "pairs-status").text


def test_a_file_is_read_and_one_of_another_encoding_is_read_when_told(page, tmp_path):
    good, bad = tmp_path / "good.tsv", tmp_path / "bad.tsv"
    good.write_text("가\t나\n", encoding="utf-8")
    bad.write_bytes("가\t나\n".encode("cp949"))
    get(page, "pairs-file").send_keys(str(bad))
    wait(page, lambda: "cp949" in get(page, "pairs-error").text)
    assert get(page, "pairs-text").get_attribute("value") == ""
    Select(get(page, "encoding")).select_by_value("cp949")
    get(page, "pairs-file").send_keys(str(bad))
    wait(page, lambda: get(page, "pairs-text").get_attribute("value") == "가\t나")
    Select(get(page, "encoding")).select_by_value("auto")
    get(page, "pairs-file").send_keys(str(good))
    wait(page, lambda: get(page, "pairs-file-name").text == "good.tsv")
    wait(page, lambda: get(page, "pairs-text").get_attribute("value") == "가\t나")
    assert not get(page, "pairs-error").is_displayed()
    assert get(page, "pairs-file-name").text == "good.tsv"
    good.write_text("다\t라\n", encoding="utf-8")  # the same file again, corrected
    get(page, "pairs-file").send_keys(str(good))
    wait(page, lambda: get(page, "pairs-text").get_attribute("value") == "다\t라")


def test_an_uploaded_csv_is_read_as_the_command_reads_it(page, tmp_path):
    file = tmp_path / "pairs.csv"
    text = "문장1;문장2;비고\n" + unicodedata.normalize("NFD", "방이 깨끗해요.") + ';"불; 꺼 줘";x\n"가;나;x\n다;라;x\n'
    file.write_bytes(text.encode("utf-16"))
    get(page, "pairs-file").send_keys(str(file))
    wait(page, lambda: get(page, "pairs-text").get_attribute("value"))
    value = get(page, "pairs-text").get_attribute("value")
    assert unicodedata.normalize("NFC", value) == "방이 깨끗해요.\t불; 꺼 줘\n다\t라"
    assert "3번째 줄: 닫히지 않은 따옴표가 있습니다." in get(page, "bad-lines").text
    assert "reading '문장1' as sentence1, '문장2' as sentence2" in get(page, "pairs-notes").text
    get(page, "score-pairs").click()
    wait(page, lambda: get(page, "scored").is_displayed())
    assert len(page.find_elements(By.CSS_SELECTOR, "#pairs-table tbody tr")) == 2
    assert "닫히지 않은 따옴표" in get(page, "bad-lines").text  # what was wrong with the file stays in sight


def test_what_the_model_does_not_know_is_said(page):
    fill(page, "sentence1", "😀😀")
    fill(page, "sentence2", "😡😡")
    get(page, "compare").click()
    wait(page, lambda: get(page, "compared").is_displayed())
    assert get(page, "score").text == "0.00"
    assert "글의 100%는 모델이 모르는 글자" in get(page, "unknown").text
    fill(page, "pairs-text", "😀\t😡\n가\t나")
    get(page, "score-pairs").click()
    wait(page, lambda: get(page, "scored").is_displayed())
    assert "1쌍에는 모델이 모르는 글자가 있습니다" in get(page, "table-note").text


def test_the_page_speaks_two_languages_and_remembers(page, server):
    compare(page, "가", "나")
    assert get(page, "compare").text == "비교하기"
    get(page, "language").click()
    assert page.execute_script("return document.documentElement.lang") == "en"
    assert get(page, "compare").text == "Compare"
    assert "imilar" in get(page, "verdict").text
    assert "cross-encoder from tiny" in get(page, "model").text
    page.get(f"{server}/")
    wait(page, lambda: get(page, "model").text)
    assert page.execute_script("return document.documentElement.lang") == "en"
    untranslated = (
        "return [...document.querySelectorAll('[data-text]')].filter((e) => /[가-힣]/.test(e.textContent)).length"
    )
    assert page.execute_script(untranslated) == 0
    page.execute_script("localStorage.clear()")


def test_the_keyboard_suffices(page):
    page.execute_script("document.getElementById('sentence1').focus()")
    active = page.switch_to.active_element
    active.send_keys("가", Keys.TAB)
    assert page.switch_to.active_element == get(page, "sentence2")
    page.switch_to.active_element.send_keys("나", Keys.CONTROL, Keys.ENTER)
    wait(page, lambda: get(page, "score").text)
    get(page, "compare").send_keys(Keys.ENTER)
    wait(page, lambda: get(page, "compare").is_enabled())
    assert page.switch_to.active_element == get(page, "compare")
    page.refresh()
    page.find_element(By.TAG_NAME, "body").send_keys(Keys.TAB)
    assert page.switch_to.active_element.get_attribute("class") == "skip"


def test_a_phones_width_is_enough(page):
    compare(page, "가나다 라마바 사아자 차카타 파하 가나다라마바사 아자차카타파하", "나 " * 20)
    fill(page, "pairs-text", "가" * 60 + "\t" + "나" * 60)
    get(page, "score-pairs").click()
    wait(page, lambda: get(page, "scored").is_displayed())
    screen(page, 360, 740)
    assert page.execute_script("return document.documentElement.scrollWidth") <= 360


def test_a_page_without_storage_works(page, server):
    forbid = "for (const name of ['localStorage', 'sessionStorage']) Object.defineProperty(window, name, "
    forbid += "{ get() { throw new DOMException('forbidden', 'SecurityError'); } })"
    script = page.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": forbid})
    try:
        page.get(f"{server}/")
        wait(page, lambda: get(page, "model").text)
        get(page, "language").click()
        compare(page, "가", "나")
        assert 0 <= float(get(page, "score").text) <= 5
        assert page.execute_script("try { localStorage; return false } catch { return true }")
    finally:
        page.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", script)


def test_dark_screens_get_a_dark_page(page):
    ground = "return getComputedStyle(document.body).backgroundColor"
    light = page.execute_script(ground)
    screen(page, 1200, 900, dark=True)
    dark = page.execute_script(ground)
    assert sum(map(int, light[4:-1].split(","))) > 600 > 200 > sum(map(int, dark[4:-1].split(",")))


def test_sentences_are_never_markup(page):
    attack = "<img src=x onerror=document.title='caught'>"
    compare(page, attack, f"<b>{attack}</b>")
    fill(page, "pairs-text", f"{attack}\t{attack}")
    get(page, "score-pairs").click()
    wait(page, lambda: get(page, "scored").is_displayed())
    assert page.title == "sts"
    assert page.find_elements(By.CSS_SELECTOR, "main img, main b") == []
    assert attack in get(page, "pairs-table").text


def test_the_api_is_shown_without_a_network(page, server):
    page.get(f"{server}/docs")
    wait(page, lambda: page.find_elements(By.CSS_SELECTOR, ".opblock"))
    assert len(page.find_elements(By.CSS_SELECTOR, ".opblock")) >= 13


def test_a_key_is_asked_for_and_used(browser, settings, tmp_path):
    (tmp_path / "keys").write_text(KEY + "\n")
    screen(browser, 1200, 900)
    with running(loaded(replace(settings, index=None, api_keys_file=tmp_path / "keys"))) as address:
        open_page(browser, address)
        assert get(browser, "api-key").is_displayed()
        get(browser, "api-key").send_keys(KEY, Keys.ENTER)
        wait(browser, lambda: "교차 인코더" in get(browser, "model").text)
        assert not get(browser, "key-form").is_displayed()
        assert "색인이 없습니다" in get(browser, "no-index").text
        compare(browser, "가", "나")
    fill(browser, "sentence1", "서버가 없을 때")
    get(browser, "compare").click()
    wait(browser, lambda: "서버에 닿지 못했습니다" in get(browser, "compare-error").text)
    browser.get_log("browser")  # its 401 and its lost connection were meant


def test_every_text_is_there_in_both_languages():
    folder = Path(sts.serve.__file__).with_name("page")
    text = (folder / "texts.js").read_text(encoding="utf-8")
    korean, _, english = text.partition("\n  en: {")
    names = [
        {line.split(":")[0].strip() for line in part.splitlines() if line.startswith("    ") and line[4].isalpha()}
        for part in (korean, english)
    ]
    assert names[0] == names[1]
    content = "".join(file.read_text(encoding="utf-8") for file in folder.iterdir() if file.suffix in (".html", ".js"))
    assert set(re.findall(r'(?:data-text=|say\()"(\w+)"', content)) <= names[0]
