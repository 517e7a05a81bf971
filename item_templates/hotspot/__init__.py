"""图片热区题: a place on a picture is the answer, chosen among outlined regions or pointed at."""
