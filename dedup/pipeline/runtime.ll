; What numba's runtime does for a kernel: memory with a head of five words, which are the count of its uses, what
; ends it, a word for that, the address of the data, their size.

declare i8* @malloc(i64)
declare i8* @realloc(i8*, i64)
declare void @free(i8*)
declare void @NRT_decref(i8*)

define i8* @NRT_Allocate(i64 %size) {
  %data = call i8* @malloc(i64 %size)
  ret i8* %data
}

define void @NRT_Free(i8* %data) {
  call void @free(i8* %data)
  ret void
}

define i8* @NRT_MemInfo_alloc(i64 %size) {
  %head = call i8* @NRT_MemInfo_alloc_aligned(i64 %size, i32 16)
  ret i8* %head
}

define i8* @NRT_MemInfo_alloc_aligned(i64 %size, i32 %align) {
  %wide = zext i32 %align to i64
  %with_head = add i64 %size, 40
  %all = add i64 %with_head, %wide
  %fits = icmp ugt i64 %all, %size
  br i1 %fits, label %try, label %none
try:
  %head = call i8* @malloc(i64 %all)
  %is_none = icmp eq i8* %head, null
  br i1 %is_none, label %none, label %some
some:
  %address = ptrtoint i8* %head to i64
  %less = sub i64 %wide, 1
  %behind = add i64 %address, 40
  %up = add i64 %behind, %less
  %mask = xor i64 %less, -1
  %aligned = and i64 %up, %mask
  call void @dedup_head(i8* %head, void (i8*, i64, i8*)* null, i64 %aligned, i64 %size)
  ret i8* %head
none:
  ret i8* null
}

define void @dedup_head(i8* %head, void (i8*, i64, i8*)* %end, i64 %address, i64 %size) alwaysinline {
  %words = bitcast i8* %head to i64*
  store i64 1, i64* %words
  %ending = getelementptr i64, i64* %words, i64 1
  %number = ptrtoint void (i8*, i64, i8*)* %end to i64
  store i64 %number, i64* %ending
  %more = getelementptr i64, i64* %words, i64 2
  store i64 0, i64* %more
  %data = getelementptr i64, i64* %words, i64 3
  store i64 %address, i64* %data
  %length = getelementptr i64, i64* %words, i64 4
  store i64 %size, i64* %length
  ret void
}

define i8* @NRT_MemInfo_new_varsize_dtor(i64 %size, i8* %end) {
  %data = call i8* @malloc(i64 %size)
  %is_none = icmp eq i8* %data, null
  br i1 %is_none, label %none, label %some
some:
  %head = call i8* @malloc(i64 40)
  %headless = icmp eq i8* %head, null
  br i1 %headless, label %undo, label %both
both:
  %address = ptrtoint i8* %data to i64
  call void @dedup_head(i8* %head, void (i8*, i64, i8*)* @dedup_end, i64 %address, i64 %size)
  %words = bitcast i8* %head to i8**
  %more = getelementptr i8*, i8** %words, i64 2
  store i8* %end, i8** %more
  ret i8* %head
undo:
  call void @free(i8* %data)
  ret i8* null
none:
  ret i8* null
}

define void @dedup_end(i8* %data, i64 %size, i8* %end) {
  %is_none = icmp eq i8* %end, null
  br i1 %is_none, label %rest, label %first
first:
  %function = bitcast i8* %end to void (i8*, i64, i8*)*
  call void %function(i8* %data, i64 %size, i8* null)
  br label %rest
rest:
  call void @free(i8* %data)
  ret void
}

define i8* @NRT_MemInfo_varsize_realloc(i8* %head, i64 %size) {
  %words = bitcast i8* %head to i8**
  %at = getelementptr i8*, i8** %words, i64 3
  %old = load i8*, i8** %at
  %new = call i8* @realloc(i8* %old, i64 %size)
  %is_none = icmp eq i8* %new, null
  br i1 %is_none, label %none, label %some
some:
  store i8* %new, i8** %at
  %numbers = bitcast i8* %head to i64*
  %length = getelementptr i64, i64* %numbers, i64 4
  store i64 %size, i64* %length
  ret i8* %new
none:
  ret i8* null
}

define void @NRT_MemInfo_call_dtor(i8* %head) {
  %words = bitcast i8* %head to i8**
  %ending = getelementptr i8*, i8** %words, i64 1
  %end = load i8*, i8** %ending
  %is_none = icmp eq i8* %end, null
  br i1 %is_none, label %rest, label %first
first:
  %more = getelementptr i8*, i8** %words, i64 2
  %info = load i8*, i8** %more
  %at = getelementptr i8*, i8** %words, i64 3
  %data = load i8*, i8** %at
  %numbers = bitcast i8* %head to i64*
  %length = getelementptr i64, i64* %numbers, i64 4
  %size = load i64, i64* %length
  %function = bitcast i8* %end to void (i8*, i64, i8*)*
  call void %function(i8* %data, i64 %size, i8* %info)
  br label %rest
rest:
  call void @free(i8* %head)
  ret void
}

define void @dedup_release(i8* %head) {
  call void @NRT_decref(i8* %head)
  ret void
}
